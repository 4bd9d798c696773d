#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What the application, the log and other modules are told of the decision, and what a client cannot make them
# believe.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Site;
use ABSwitch::Token;
use ABSwitch::Wait;

# The environment that an env.shtml prints.
sub environment ($r) {
    return { $r->body =~ /^(\w+)=(.*)$/mg };
}

sub ours ($env) {
    return { map { $_ => $env->{$_} } grep { /\AABSWITCH_/ } keys %$env };
}

sub site (%o) {
    my $site = ABSwitch::Site->new(sides => [qw(A B C)], app => "ABSwitchLogout /bye.shtml\n", %o);
    $site->write("htdocs/contact/$_/bye.shtml", '<!--#printenv -->') for qw(A B C);
    return $site->start;
}

sub close_c ($site) {
    my $now = time;
    $site->flip("A=1 B=0 C=0 gen=3 at=$now by=test since=B:$now,C:$now closed=C");
    return $now;
}

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest "the environment: $mpm" => sub {
        my $site = site(mpm => $mpm);
        close_c($site);
        my @pages = (
            ['pass', 'A', '/contact/A/env.shtml', { token => 'A' }],
            ['pass', 'A', '/contact/A/env.shtml?q', { as => 'script' }],
            ['enter', 'A', '/contact/A/env.shtml', {}],
            ['adopt', 'A', '/contact/A/env.shtml', { from => 'inside' }],
            ['visitor', 'A', '/contact/A/env.shtml', { token => 'B', from => 'inside' }],
            ['tester', 'A', '/contact/A/env.shtml', { token => 'A tester' }],
            ['logout', 'A', '/contact/A/bye.shtml', { token => 'A' }],
            ['pass', 'B', '/contact/B/env.shtml', { token => 'B' }],
            ['adopt', 'B', '/contact/B/env.shtml', { from => 'inside' }],
            ['tester', 'C', '/contact/C/env.shtml', { token => 'C tester' }],
        );
        for my $page (@pages) {
            my ($verdict, $side, $at, $ask) = @$page;
            my $ours = ours(environment(ask($site, at => $at, %$ask)));
            my $expires = delete $ours->{ABSWITCH_EXPIRES};
            my %draining = $side eq 'B' ? (ABSWITCH_DRAINING => 1) : ();
            is_deeply $ours, { ABSWITCH_APP => 'contact', ABSWITCH_SIDE => $side, ABSWITCH_VERDICT => $verdict,
                %draining },
                "$verdict on $side";
            is defined $expires, $side eq 'B', 'ABSWITCH_EXPIRES on a draining side only' if $side ne 'C';
        }
        my $r = ask($site, at => '/other.shtml');
        is_deeply [$r->header('X-Verdict'), $r->header('X-Side')], [], 'nothing elsewhere';

        ask($site, at => $_->[1], %{ $_->[2] // {} }) for my @lines = (
            ['launchpad A', '/contact?in'], ['pass A', '/contact/A/?pass', { token => 'A' }],
            ['bookmark B', '/contact/B/?bookmark'], ['closed C', '/contact/C/?closed'],
            ['closed C', '/contact/C/?refused', { as => 'script' }],
            ['cutoff A', '/contact/A/?cutoff', { token => 'A old' }],
            ['prefetch B', '/contact/B/?prefetch', { headers => ['Sec-Purpose' => 'prefetch'] }],
            ['deeplink A', '/contact/old?deeplink'], ['- -', '/none?none'],
        );
        my %logged;
        wait_for 'the log', 5, sub {
            %logged = map { (split / /, $_->{request})[1] => "$_->{verdict} $_->{side}" } $site->access_log;
            $_ = join ' ', keys %logged;
            return !grep { !$logged{ $_->[1] } } @lines;    # lines of two processes are in no order
        };
        is $logged{ $_->[1] }, $_->[0], "LogFormat: $_->[1]" for @lines;
        $site->log_is_clean;
    };
}

subtest 'ABSWITCH_EXPIRES' => sub {
    my $blocks = join '', map {
        my ($name, @directives) = @$_;
        join "\n", "<ABSwitch $name>", "ABSwitchLaunchpad /$name", "ABSwitchSide A /$name/A", "ABSwitchSide B /$name/B",
            @directives, "</ABSwitch>\n";
    } ['soon', 'ABSwitchDrainTimeout 1h'], ['ever', 'ABSwitchMaxLoginTime none'],
        ['timed', 'ABSwitchMaxLoginTime none', 'ABSwitchDrainTimeout 2h'];
    my $site = site(conf => $blocks);
    for my $app (qw(soon ever timed)) {
        $site->write("htdocs/$app/$_/env.shtml", '<!--#printenv -->') for qw(A B);
    }
    my $expires = sub ($app, %ask) {
        return environment(ask($site, app => $app, at => "/$app/B/env.shtml", %ask))->{ABSWITCH_EXPIRES};
    };
    my $about = sub ($got, $seconds, $name) {
        return like($got // 'none', qr/\A[0-9]+\z/, "$name: a number") && cmp_ok abs($got - $seconds), '<=', 60, $name;
    };
    my $login = time - 1000;
    my $token = sub ($app) { make_token(secret => ABSwitch::Site::SECRET, app => $app, side => 'B',
        login => $login) };

    $about->($expires->('contact', token => $token->('contact')), 8 * 3600 - 1000,
        'before any record: until the cut-off');
    is $expires->('contact', as => 'script'), undef, 'who has no session has none';
    is $expires->('ever', token => $token->('ever')), undef, 'with neither time there is none';

    my $since = time - 600;
    $site->flip("A=1 B=0 gen=5 at=$since by=test since=B:$since", $_) for qw(soon ever timed);
    $about->($expires->('soon', token => $token->('soon')), 3000, "the side's deadline is first");
    $about->($expires->('soon', from => 'inside'), 3000, 'for a new session too');
    $about->($expires->('soon', as => 'script'), 3000, 'and for nobody');
    $about->($expires->('timed', token => $token->('timed')), 6600, 'a deadline without a cut-off');
    $login = time - 8 * 3600 + 500;
    $about->($expires->('soon', token => $token->('soon')), 500, "the session's cut-off is first");
    is environment(ask($site, at => '/soon/A/env.shtml', app => 'soon', from => 'inside'))->{ABSWITCH_EXPIRES}, undef,
        'none on an open side';
    $site->log_is_clean;
};

subtest 'request headers that look like ours' => sub {
    my $site = site(conf => <<'CONF');
Define SAW "%{req:ABSWITCH-SIDE}|%{req:ABSWITCH_SIDE}|%{req:abswitch-x}|%{req:AbSwItCh-VeRdIcT}|%{req:ABSWITCH-}"
Header always set X-Saw "expr=${SAW}|%{req:ABSWITCHX}|%{req:X-ABSWITCH-SIDE}"
RequestHeader set X-Copy "expr=%{req:ABSWITCH-SIDE}"
Header always set X-Copied "expr=%{req:X-Copy}"
CONF
    $site->write('htdocs/env.shtml', '<!--#printenv -->');
    close_c($site);
    my @forged = ('ABSWITCH-SIDE' => 'f1', 'ABSWITCH_SIDE' => 'f2', 'abswitch-x' => 'f3',
        'AbSwItCh-VeRdIcT' => ['f4', 'f4'],
        'ABSWITCH-' => 'f5', 'ABSWITCHX' => 'kept', 'X-ABSWITCH-SIDE' => 'kept');
    my $saw = sub (%ask) { return scalar ask($site, %ask, headers => [@forged])->header('X-Saw') };
    my $removed = '|||||kept|kept';
    is $saw->(at => '/contact/A/', token => 'A'), $removed, 'are removed below a side';
    is $saw->(at => '/contact/A', token => 'A'), $removed, 'at its path';
    is $saw->(at => '/contact/B/'), $removed, 'though it is redirected';
    is $saw->(at => '/contact/C/', as => 'script'), $removed, 'or refused';
    is $saw->(at => '/contact/A/none', as => 'script'), $removed, 'or missing';
    is $saw->(at => '/contact'), $removed, 'at the launchpad';
    is $saw->(at => '/contact/', method => 'PUT'), $removed, 'though it is refused there';
    is $saw->(at => '/env.shtml'), 'f1|f2|f3|f4, f4|f5|kept|kept', 'but not elsewhere';
    is $saw->(at => '/contact-test'), 'f1|f2|f3|f4, f4|f5|kept|kept', 'nor beside the launchpad';

    for my $at ('/contact', '/contact/A/') {
        is ask($site, at => $at, headers => [@forged])->header('X-Copied'), '', "before other modules look: $at";
    }

    my $env = environment(ask($site, at => '/contact/A/env.shtml', token => 'A', headers => [@forged]));
    is_deeply [grep { /\AHTTP_ABSWITCH_/ } keys %$env], [], 'an application gets none of them';
    is $env->{HTTP_ABSWITCHX}, 'kept', 'and all others';
    is_deeply ours($env), { ABSWITCH_APP => 'contact', ABSWITCH_SIDE => 'A', ABSWITCH_VERDICT => 'pass' },
        'with our own as ever';
    $site->log_is_clean;
};

subtest 'other modules' => sub {
    my $site = site(conf => <<'CONF');
RequestHeader set X-AB-Side "%{ABSWITCH_SIDE}e" env=ABSWITCH_SIDE
RequestHeader set X-AB-Verdict "expr=%{reqenv:ABSWITCH_VERDICT}"
Header set X-New-Version "yes" "expr=reqenv('ABSWITCH_DRAINING') == '1'"
<If "reqenv('ABSWITCH_SIDE') == 'B'">
    Header set X-If "B"
</If>
RewriteEngine On
RewriteCond %{ENV:ABSWITCH_SIDE} =B
RewriteRule ^/contact/B/rewrite$ /contact/B/env.shtml [PT]
CONF
    close_c($site);
    my $env = environment(ask($site, at => '/contact/A/env.shtml', token => 'A', headers => ['X-AB-Side' => 'forged']));
    is_deeply [@$env{qw(HTTP_X_AB_SIDE HTTP_X_AB_VERDICT)}], ['A', 'pass'], 'RequestHeader hands it on to a back end';
    my $r = ask($site, at => '/contact/B/env.shtml', token => 'B');
    is_deeply [map { scalar $r->header($_) } qw(X-New-Version X-If)], ['yes', 'B'], 'expressions: a draining side';
    $r = ask($site, at => '/contact/A/env.shtml', token => 'A');
    is_deeply [map { scalar $r->header($_) } qw(X-New-Version X-If)], [undef, undef], 'an open one';
    is environment(ask($site, at => '/contact/B/rewrite', token => 'B'))->{ABSWITCH_SIDE}, 'B', 'a RewriteCond';
    $site->log_is_clean;
};

subtest 'CGI' => sub {
    my $site = site(mpm => 'prefork', modules => ['cgi'], conf => <<'CONF');
<Directory "${ROOT}/htdocs/contact">
    Options +ExecCGI
    AddHandler cgi-script .cgi
</Directory>
CONF
    $site->write('htdocs/contact/B/env.cgi', "#!/bin/sh\necho Content-Type: text/plain\necho\nenv\n", 0755);
    close_c($site);
    my $env = environment(ask($site, at => '/contact/B/env.cgi/info', token => 'B',
        headers => ['Abswitch-Side' => 'forged']));
    my $ours = ours($env);
    like delete $ours->{ABSWITCH_EXPIRES}, qr/\A287\d\d\z/, 'a script is told when it ends';
    is_deeply $ours, { ABSWITCH_APP => 'contact', ABSWITCH_SIDE => 'B', ABSWITCH_VERDICT => 'pass',
        ABSWITCH_DRAINING => 1 },
        'and the rest';
    is $env->{HTTP_ABSWITCH_SIDE}, undef, 'and nothing forged';
    $site->log_is_clean;
};

done_testing;
