#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What becomes of a session on a side: how its token is handed out, what counts, what ends it, and how its side closes.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Sides;
use ABSwitch::Site;
use ABSwitch::Wait;

my ($LOGOUT, $APP) = (ABSwitch::Sides::LOGOUT, ABSwitch::Sides::APP);

# --- answers that carry a token -------------------------------------------------------------------------------

subtest 'Cache-Control: private with a new token' => sub {
    my $site = setup(site(modules => [qw(cache cache_disk expires)], conf => <<'CONF'));
CacheQuickHandler Off
CacheRoot ${ROOT}/run/cache
CacheEnable disk /contact/A/cached
CacheEnable disk /contact/B/cached
Header set Cache-Control "public, max-age=60" "expr=%{REQUEST_URI} =~ m#/(public|cached)#"
Header set Cache-Control "max-age=60" "expr=%{REQUEST_URI} =~ m#/aged#"
Header set Cache-Control "no-store" "expr=%{REQUEST_URI} =~ m#/unstored#"
Header set Cache-Control "max-age=5, Private" "expr=%{REQUEST_URI} =~ m#/private#"
Header always set Cache-Control "public" "expr=%{REQUEST_URI} =~ m#/always\.#"
Header always set Cache-Control "private, max-age=5" "expr=%{REQUEST_URI} =~ m#/always-private#"
Header always set Cache-Control "no-store" "expr=%{REQUEST_URI} =~ m#/always-unstored#"
<Location /contact/A/expiring.html>
    ExpiresActive On
    ExpiresDefault "access plus 1 hour"
</Location>
CONF
    mkdir $site->path('run/cache');
    chmod 0777, $site->path('run/cache');
    for my $side (ABSwitch::Sides::SIDES->@*) {
        $site->write("htdocs/contact/$side/$_.html", "$side $_\n")
            for qw(public aged unstored private always always-private always-unstored expiring cached cached2);
    }
    my $cache = sub (%ask) { return join ', ', ask($site, %ask)->header('Cache-Control') };
    for my $case (['enter', 'A', 'typed'], ['adopt', 'B', 'inside']) {
        my ($verdict, $side, $from) = @$case;
        my $of = sub ($page) { $cache->(at => "/contact/$side/$page", from => $from) };
        is $of->('page.html'), 'private', "$verdict: what says nothing";
        is $of->('none.html'), 'private', "$verdict: a 404";
        my $said = $of->('public.html');
        like $said, qr/\bprivate\b/, "$verdict: what says public is private";
        unlike $said, qr/\bpublic\b/, "$verdict: and public no more";
        like $of->('aged.html'), qr/\bprivate\b/, "$verdict: max-age is not private";
        is $of->('unstored.html'), 'no-store', "$verdict: no-store is left alone";
        is $of->('private.html'), 'max-age=5, Private', "$verdict: so is private";
        like $of->('always.html'), qr/\bprivate\b/, "$verdict: a header set for errors too";
        is $of->('always-private.html'), 'private, max-age=5', "$verdict: one of those that is private is left alone";
        is $of->('always-unstored.html'), 'no-store', "$verdict: and one that is not stored";
        like $of->('index.html'), qr/\Aprivate\z/, "$verdict: a directory's index";
    }
    like $cache->(at => '/contact/A/expiring.html'), qr/\bprivate\b/, 'with mod_expires';
    is $cache->(at => '/contact/A/public.html', token => 'A'), 'public, max-age=60', 'no new token: left alone';
    is $cache->(at => '/contact/B/public.html', token => 'A', from => 'inside'), 'public, max-age=60',
        'a visitor: left alone';
    is $cache->(at => '/contact/A/public.html', as => 'script'), 'public, max-age=60', 'a script: left alone';
    is $cache->(at => '/contact/A/page.html', token => 'A'), '', 'and nothing is added';

    my $r = ask($site, at => '/contact/A/page.html', token => 'A');
    $r = ask($site, at => '/contact/A/page.html', headers => ['If-None-Match' => scalar $r->header('ETag')]);
    is $r->status, 304, 'a newcomer who knows the page';
    is seen($r)->{cookie}, 'A', 'gets a token with the 304';
    like $r->header('Cache-Control') // '', qr/\bprivate\b/, 'privately';

    my $first = ask($site, at => '/contact/A/cached.html');
    my $second = ask($site, at => '/contact/A/cached.html');
    my @tokens = map { ($_->cookie('abswitch_contact') // {})->{value} // 'none' } $first, $second;
    isnt $tokens[0], $tokens[1], 'a cache in the server does not hand one person\'s token to another';
    is ask($site, at => '/contact/A/cached.html', as => 'script')->cookie('abswitch_contact'), undef, 'nor to a script';
    ask($site, at => '/contact/A/cached2.html', as => 'script');
    is seen(ask($site, at => '/contact/A/cached2.html'))->{cookie}, 'A', 'a cached page still comes with a token';
    is ask($site, at => '/contact/A/cached2.html', as => 'script')->cookie('abswitch_contact'), undef,
        'which the cache does not keep';
    $site->log_is_clean;
};

# --- what is counted ------------------------------------------------------------------------------------------

subtest 'activity' => sub {
    my $site = setup(site());
    my $anna = token_text('A');
    ask($site, at => '/contact/A/', token => $anna);
    sessions_are $site, 'a request counts on the side of its path', { A => 1, B => 0, C => 0, E => 0 };
    ask($site, at => '/contact/B/', token => $anna, from => 'inside');
    sessions_are $site, 'a visitor there too', { A => 1, B => 1, C => 0, E => 0 };
    my $bert = token_text('B');
    ask($site, at => '/contact/E/', token => $bert, as => 'script');
    sessions_are $site, 'another side: and on its own', { A => 1, B => 2, C => 0, E => 1 };
    my $tester = token_text('C tester');
    ask($site, at => '/contact/C/', token => $tester);
    sessions_are $site, 'testers are counted apart', { A => 1, B => 2, C => 0, Ct => 1, E => 1, At => 0 };
    ask($site, at => '/contact/A/', token => $bert);
    ask($site, at => '/contact/C/', token => token_text('A'), as => 'script');
    ask($site, at => '/contact/A/', token => token_text('A old'));
    ask($site, at => '/contact/A/', token => token_text('A old'), as => 'script');
    ask($site, at => '/contact/A/', token => token_text('C'), as => 'script');
    witness($site, 'E');
    sessions_are $site, 'what is redirected, refused or no session is no activity', { A => 1, B => 2, C => 0, E => 2 };

    ask($site, at => '/contact/A/logout.shtml', token => $anna);
    sessions_are $site, 'a logout ends the session on every side', { A => 0, B => 1, E => 2 };
    ask($site, at => '/contact/A/', token => $anna);
    sessions_are $site, 'one that comes back after a logout that was forgotten counts again',
        { A => 1, B => 1, E => 2 };
    ask($site, at => '/contact/A/logout.shtml', token => $bert);
    sessions_are $site, 'a logout on another side ends it too', { A => 1, B => 0, E => 1 };
    ask($site, at => '/contact/A/logout.shtml', token => token_text('A'));
    witness($site, 'E');
    sessions_are $site, 'a logout counts nobody', { A => 1, B => 0, E => 2 };
    ask($site, at => '/contact/C/logout.shtml', token => $tester);
    sessions_are $site, "a tester's session ends as well", { Ct => 0 };
    $site->log_is_clean;
};

subtest 'cut-off of a session that is counted' => sub {
    my $site = setup(site(app => "$APP\nABSwitchMaxLoginTime 8s"));
    my $anna = $site->browser;
    $anna->type_in('/contact');
    is $anna->follow->header('X-Verdict'), 'pass', 'entered';
    sessions_are $site, 'counted', { A => 1 };
    my $r;
    wait_for 'the cut-off', 12, sub { $r = $anna->fetch('/contact/A/'); $r->status == 403 };
    is $r->header('ABSwitch-Reason'), 'cutoff', 'is enforced by the server';
    is $anna->cookie('abswitch_contact'), undef, 'and the browser forgets';
    sessions_are $site, 'it is not counted any more', { A => 0 };
    asked $site, 'a login so long ago is cut off', { at => '/contact/A/', token => 'A old' },
        { %{ moved('/contact?abswitch=expired', 'cutoff') }, cookie => 'gone', others => cleared('A') };
    $site->log_is_clean;
};

subtest 'ABSwitchIdleTimeout' => sub {
    my $site = setup(site(app => "$APP\nABSwitchIdleTimeout 4s"));
    my $token = witness($site, 'A');
    sessions_are $site, 'counted', { A => 1 };
    sessions_are $site, 'not after the idle time-out', { A => 0 };
    asked $site, 'which ends only the counting', { at => '/contact/A/', token => $token }, passed('A', 'pass');
    sessions_are $site, 'it counts again', { A => 1 };
    $site->log_is_clean;
};

# --- closing --------------------------------------------------------------------------------------------------

subtest 'draining and its deadline' => sub {
    my $site = site(app => "${LOGOUT}ABSwitchDrainTimeout 1h", sides => [qw(A B)], conf => <<'CONF')->start;
<ABSwitch long>
    ABSwitchLaunchpad /long
    ABSwitchSide A /long/A
    ABSwitchSide B /long/B
    ABSwitchSide C /long/C
    ABSwitchMaxLoginTime 1h
</ABSwitch>
<ABSwitch ever>
    ABSwitchLaunchpad /ever
    ABSwitchSide A /ever/A
    ABSwitchSide B /ever/B
    ABSwitchMaxLoginTime none
</ABSwitch>
CONF
    my $b = $site->side('B');
    is_deeply [@$b{qw(state draining_since deadline)}], ['draining', undef, undef],
        'before any record sides without weight drain with no deadline';
    asked $site, 'and let their sessions pass', { at => '/contact/B/', token => 'B' }, passed('B', 'pass');

    my $then = time - 600;
    $site->flip("A=0 B=1 C=0 gen=4 at=$then by=test since=A:$then,C:$then", 'long');
    is $site->side('A', 'long')->{deadline}, $then + 3600, 'its deadline is ABSwitchMaxLoginTime after draining since';
    $site->flip('A=0 B=1 C=1', 'long');
    is $site->side('A', 'long')->{draining_since}, $then, 'which a later change of something else does not move';
    $site->flip('A=1 B=1', 'long');
    is $site->side('A', 'long')->{deadline}, undef, 'opened again: no deadline';
    $site->flip("B", 'ever');
    is $site->side('A', 'ever')->{deadline}, undef, 'neither time-out: no deadline';

    my $anna = token_text('A');
    ask($site, at => '/contact/A/', token => $anna);
    my $tester = token_text('A tester');
    ask($site, at => '/contact/A/', token => $tester);
    sessions_are $site, 'a session and a tester on A', { A => 1, At => 1 };
    $site->flip('B');
    my $a = $site->side('A');
    is $a->{state}, 'draining', 'A drains';
    is $a->{deadline}, $a->{draining_since} + 3600, 'until ABSwitchDrainTimeout';
    asked $site, 'its session passes until then', { at => '/contact/A/', token => $anna }, passed('A', 'pass');
    my $now = time;
    my $since = $now - 3600 + 2;
    $site->flip("A=0 B=1 gen=2 at=$now by=test since=A:$since");
    $a->{deadline} = $since + 3600;
    wait_for 'the deadline', 6, sub { ask($site, at => '/contact/A/', token => $anna, as => 'script')->status == 403 };
    cmp_ok time, '>=', $a->{deadline}, 'not before it';
    is $site->side('A')->{state}, 'closed', 'the side is closed';
    is_deeply $site->status->{switch}{closed}, [], 'without a record';
    sessions_are $site, 'its sessions have ended, testers apart', { A => 0, At => 1 };
    asked $site, 'a session of a closed side is none', { at => '/contact/A/page.html', token => $anna },
        moved('/contact/B/page.html', 'closed', cookie => 'B');
    asked $site, 'a tester still passes', { at => '/contact/A/', token => $tester }, passed('A', 'tester');
    $site->flip('A=1 B=1');
    is $site->side('A')->{state}, 'open', 'a change that gives it weight opens it';
    asked $site, 'and it takes its sessions back', { at => '/contact/A/', token => $anna }, passed('A', 'pass');
    sessions_are $site, 'as they return', { A => 1 };
    $site->log_is_clean;
};

subtest 'closing by a record ends the sessions' => sub {
    my $site = site(app => '', sides => [qw(A B)])->start;
    my ($anna, $carl) = map { token_text('A') } 1 .. 2;
    ask($site, at => '/contact/A/', as => 'script', token => $_) for $anna, $carl;
    ask($site, at => '/contact/B/', as => 'script', token => $carl);
    sessions_are $site, 'two sessions of A, one seen on B too', { A => 2, B => 1 };
    $site->flip('A=0 B=1 gen=9 at=' . time . ' by=x closed=A');
    sessions_are $site, 'their side has none any more', { A => 0 };
    sessions_are $site, 'nor is the visitor one, whose session has ended', { B => 0 };
    my $before = $site->side('B')->{sessions};
    ask($site, at => '/contact/B/', as => 'script', token => $anna);
    witness($site, 'B');
    sessions_are $site, 'who asks elsewhere now is not counted', { A => 0, B => $before + 1 };
    $site->flip('A=1 B=1');
    ask($site, at => '/contact/A/', as => 'script', token => $_) for $anna, $carl;
    sessions_are $site, 'until the side opens again and they return', { A => 2, B => $before + 1 };
    $site->log_is_clean;
};

subtest 'ABSwitchAutoClose' => sub {
    my $site = site(app => "${LOGOUT}ABSwitchAutoClose on", sides => [qw(A B)])->start;
    my $anna = witness($site, 'A');
    $site->flip('B');
    asked $site, 'not while there is a session', { at => '/contact/A/', token => $anna }, passed('A', 'pass');
    ask($site, at => '/contact/A/logout.shtml', token => $anna);
    wait_for 'the side to close as soon as it is drained', 5, sub { $_ = $site->side('A'); $_->{state} eq 'closed' };
    is_deeply $site->status->{switch}{closed}, ['A'], 'by a record';
    is $site->status->{switch}{by}, 'auto', 'of its own';
    $site->log_is_clean;
};

done_testing;
