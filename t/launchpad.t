#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The launchpad: who lands where, with which status and cookie.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Site;

# --- every MPM ------------------------------------------------------------------------------------------------

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest "$mpm" => sub {
        my $site = ABSwitch::Site->new(mpm => $mpm, sides => [qw(A B C)], conf => "TraceEnable Off\n")->start;
        $site->flip('A=1 B=0 C=0 gen=3 at=' . time . ' by=test closed=C');

        enter_at_once($site);
        sticky($site);
        is scalar($site->children) > 0, 1, 'its children live';
        $site->log_is_clean;
    };
}

sub enter_at_once ($site) {
    my $enter = sub ($to, %more) { moved($to, 'launchpad', side => 'A', cookie => 'A', %more) };
    my @rows = (
        ['a GET enters at once: 302 to the side and a slash', {}, $enter->('/contact/A/')],
        ['a slash behind the launchpad is the same', { at => '/contact/' }, $enter->('/contact/A/')],
        ['a POST is answered 303', { as => 'form' }, $enter->('/contact/A/', status => 303)],
        ['a POST with a slash too', { as => 'form', at => '/contact/' }, $enter->('/contact/A/', status => 303)],
        ['a HEAD as a GET', { method => 'HEAD' }, $enter->('/contact/A/')],
        ['a client that is no browser as well', { as => 'plain' }, $enter->('/contact/A/')],
        ['a script too', { as => 'script' }, $enter->('/contact/A/')],
        ['a script that posts too', { as => 'save' }, $enter->('/contact/A/', status => 303)],
        ['a body of another type too', { as => 'save', headers => ['Content-Type' => 'application/json'] },
            $enter->('/contact/A/', status => 303)],
        ['a link of another site too', { from => 'foreign' }, $enter->('/contact/A/')],
        ['the query is kept', { at => '/contact?a=1&b=%2Fx' }, $enter->('/contact/A/?a=1&b=%2Fx')],
        ['the query behind a slash is kept', { at => '/contact/?a=1' }, $enter->('/contact/A/?a=1')],
        ['the query of a POST is kept', { as => 'form', at => '/contact?a=1' },
            $enter->('/contact/A/?a=1', status => 303)],
        ['less an argument abswitch', { at => '/contact?a=1&abswitch=expired&b=2' }, $enter->('/contact/A/?a=1&b=2')],
        ['nothing left, no question mark', { at => '/contact?abswitch=expired' }, $enter->('/contact/A/')],
        ['abswitch without a value', { at => '/contact?abswitch&a' }, $enter->('/contact/A/?a')],
        ['abswitch twice', { at => '/contact?abswitch=1&a&abswitch=2' }, $enter->('/contact/A/?a')],
        ['an argument of a longer name stays', { at => '/contact?abswitches=1&xabswitch=2' },
            $enter->('/contact/A/?abswitches=1&xabswitch=2')],
        ['GET, HEAD and POST only: PUT', { method => 'PUT', body => 'x' }, not_allowed()],
        ['DELETE', { method => 'DELETE' }, not_allowed()],
        ['OPTIONS', { method => 'OPTIONS' }, not_allowed()],
        ['PROPFIND', { method => 'PROPFIND' }, not_allowed()],
        ['TRACE', { method => 'TRACE' }, not_allowed()],
        ['PUT of someone with a session', { method => 'PUT', body => 'x', token => 'A' }, not_allowed()],
    );
    for my $row (@rows) {
        my ($name, $ask, $expect) = @$row;
        asked $site, $name, { at => '/contact', %$ask }, $expect;
    }
    my $r = ask($site, at => '/contact', method => 'BREW');
    like $r->status, qr/\A(?:405|501)\z/, "a method that httpd does not know: 405, or httpd's own 501";
    is_deeply [$r->header('Set-Cookie')], [], 'and no cookie';
}

sub not_allowed () {
    return { status => 405, allow => 'GET, HEAD, POST', cache => 'no-store' };
}

sub sticky ($site) {
    my @rows = (
        ['a live session goes to its side', { token => 'A' }, moved('/contact/A/', 'launchpad', side => 'A')],
        ['to a draining one too', { token => 'B' }, moved('/contact/B/', 'launchpad', side => 'B')],
        ['with its query', { token => 'B', at => '/contact?x=1&abswitch=2' }, moved('/contact/B/?x=1', 'launchpad')],
        ['by HEAD', { token => 'B', method => 'HEAD' }, moved('/contact/B/', 'launchpad')],
        ['one of a closed side is no session', { token => 'C' }, moved('/contact/A/', 'launchpad', cookie => 'A')],
        ['one past its time is none', { token => 'B old' }, moved('/contact/A/', 'launchpad', cookie => 'A')],
        ['a POST gets a new session on the current side', { token => 'B', as => 'form' },
            moved('/contact/A/', 'launchpad', status => 303, cookie => 'A')],
        ['even if it has one there', { token => 'A', as => 'form' },
            moved('/contact/A/', 'launchpad', status => 303, cookie => 'A')],
        ["a tester's token beats weights", { token => 'B tester' }, moved('/contact/B/', 'launchpad', side => 'B')],
        ["a tester's token beats a closed side", { token => 'C tester' },
            moved('/contact/C/', 'launchpad', side => 'C')],
        ["until it is too old", { token => 'C tester old' }, moved('/contact/A/', 'launchpad', cookie => 'A')],
        ['a prefetch that would be redirected', { headers => ['Sec-Purpose' => 'prefetch'] }, refused(503, 'prefetch')],
        ['a prerender', { headers => ['Sec-Purpose' => 'prefetch;prerender'] }, refused(503, 'prefetch')],
        ['one of a live session', { token => 'B', headers => ['Sec-Purpose' => 'prefetch'] }, refused(503, 'prefetch')],
        ['a purpose that is none', { headers => ['Sec-Purpose' => 'xprefetch'] },
            moved('/contact/A/', 'launchpad', cookie => 'A')],
    );
    for my $row (@rows) {
        my ($name, $ask, $expect) = @$row;
        asked $site, $name, { at => '/contact', %$ask }, $expect;
    }
    my $r = ask($site, at => '/contact', as => 'form', token => 'C tester');
    is $r->location, '/contact/C/', "a tester's POST stays on the tester's side";
    my $cookie = seen($r)->{cookie} // 'C tester';
    is $cookie, 'C tester', 'with a token of its kind, if a new one';
    is scalar(ask($site, at => '/contact', token => 'B')->header('Set-Cookie')), undef, 'a sticky GET sets no cookie';
}

# --- counts ---------------------------------------------------------------------------------------------------

subtest 'what is counted' => sub {
    my $site = ABSwitch::Site->new->start;
    sessions_are $site, 'nobody at first', { A => 0, B => 0 };
    my $anna = $site->browser;
    verdicts_rise $site, 'an entry is one launchpad and one pass', { launchpad => 1, pass => 1 }, sub {
        $anna->type_in('/contact');
        witness($site, 'A');
    };
    sessions_are $site, 'a session counts when its token comes back, not before', { A => 1, B => 0 };
    verdicts_rise $site, 'then the page', { pass => 1 }, sub { $anna->follow };
    sessions_are $site, 'it is counted', { A => 2, B => 0 };
    $anna->type_in('/contact/A/');
    sessions_are $site, 'once', { A => 2, B => 0 };

    $site->flip('B');
    $anna->type_in('/contact');
    is $anna->follow->header('X-Side'), 'A', 'a live session sticks though the switch has flipped';
    is $anna->redirects, 1, 'by one redirect';
    my $old = $anna->cookie('abswitch_contact');
    $anna->post_form('/contact', 'name=anna');
    sessions_are $site, 'entering anew ends the older session at once', { A => 1, B => 0 };
    is $anna->follow->header('X-Side'), 'B', 'the new one is on the current side';
    isnt $anna->cookie('abswitch_contact'), $old, 'with another token';
    sessions_are $site, 'and counted there', { A => 1, B => 1 };

    verdicts_rise $site, 'a prefetch is a verdict', { prefetch => 1, pass => 1 }, sub {
        ask($site, at => '/contact', token => 'A', headers => ['Sec-Purpose' => 'prefetch']);
        witness($site, 'B');
    };
    sessions_are $site, 'but no session', { A => 1, B => 2 };
    ask($site, at => '/contact', method => 'PUT', token => 'A', body => 'x');
    witness($site, 'B');
    sessions_are $site, 'nor is a refused method', { A => 1, B => 3 };
    $site->log_is_clean;
};

# --- page= and login= -----------------------------------------------------------------------------------------

subtest 'page=' => sub {
    my $site = ABSwitch::Site->new(launchpad => '/contact page=/pages/enter.shtml', conf => "TraceEnable Off\n");
    $site->write('htdocs/pages/enter.shtml', "the form\nquery <!--#echo var=\"REDIRECT_QUERY_STRING\" -->\n");
    $site->start;
    my $page = { status => 200, like => qr/\Athe form/ };
    asked $site, "a GET shows the page: $_->[0]", { at => '/contact', $_->[1]->%* }, $page for (
        ['nobody', {}], ['with a slash', { at => '/contact/' }], ['a live session', { token => 'B' }],
        ['a tester', { token => 'B tester' }], ['an old token', { token => 'A old' }],
        ['no browser', { as => 'plain' }],
        ['a prefetch: it redirects nobody', { headers => ['Sec-Purpose' => 'prefetch'] }],
    );
    asked $site, 'HEAD has no body', { at => '/contact', method => 'HEAD' }, { status => 200, like => qr/\A\z/ };
    asked $site, 'the page can tell why one is there', { at => '/contact?abswitch=expired' },
        { status => 200, like => qr/query abswitch=expired/ };
    asked $site, 'posting its form enters', { at => '/contact', as => 'form', from => 'launchpad' },
        moved('/contact/A/', 'launchpad', status => 303, side => 'A', cookie => 'A');
    asked $site, 'anew, if one was in', { at => '/contact', as => 'form', from => 'launchpad', token => 'B' },
        moved('/contact/A/', 'launchpad', status => 303, side => 'A', cookie => 'A');
    asked $site, 'other methods are refused', { at => '/contact', method => 'PUT', body => 'x' }, not_allowed();
    witness($site, 'A');
    sessions_are $site, 'looking at the page is no session', { A => 1, B => 0 };
    $site->log_is_clean;
};

subtest 'login=' => sub {
    my $site = ABSwitch::Site->new(launchpad => '/contact login=/login.shtml');
    $site->write("htdocs/contact/$_/login.shtml",
        "$_ reads a <!--#echo var=\"REQUEST_METHOD\" --> of <!--#echo var=\"CONTENT_LENGTH\" -->\n") for qw(A B);
    $site->start;
    my $login = sub ($side, %more) { moved("/contact/$side/login.shtml", 'launchpad', status => 307, side => $side,
        %more) };
    asked $site, 'a POST is answered 307 to the login of the side', { at => '/contact', as => 'form' },
        $login->('A', cookie => 'A');
    asked $site, 'with its query', { at => '/contact?a=1', as => 'form' },
        $login->('A', cookie => 'A', to => '/contact/A/login.shtml?a=1');
    asked $site, 'a GET enters at the top', { at => '/contact' }, moved('/contact/A/', 'launchpad', cookie => 'A');

    my $anna = $site->browser;
    $anna->post_form('/contact', 'user=anna&password=x');
    like $anna->follow->body, qr/\AA reads a POST of 20$/m, 'the application reads the form itself';
    sessions_are $site, 'and the session is counted', { A => 1, B => 0 };
    $site->flip('B');
    $anna->post_form('/contact', 'user=anna&password=y');
    like $anna->follow->body, qr/\AB reads a POST of 20$/m, 'after a flip on the other side';
    sessions_are $site, 'where the session is then', { A => 0, B => 1 };

    my $line = $site->client->connection;
    is ask($site, client => $line, at => '/contact', as => 'form', body => 'x' x 5000)->status, 307,
        'a body on a kept connection';
    is ask($site, client => $line, at => '/contact', as => 'form', body => 'y')->status, 307,
        'does not spoil the next request';
    $line->close;
    $site->log_is_clean;
};

# --- choosing -------------------------------------------------------------------------------------------------

subtest 'weights' => sub {
    my $site = ABSwitch::Site->new(sides => [qw(A B C)], conf => "MaxKeepAliveRequests 0\n")->start;
    my $shares = sub ($n) {
        my $line = $site->client->connection;
        my %landed = (A => 0, B => 0, C => 0);
        for (1 .. $n) {
            my $to = ask($site, client => $line, at => '/contact', as => 'form')->location // '';
            $landed{$1}++ if $to =~ m{\A/contact/([ABC])/\z};
        }
        $line->close;
        return \%landed;
    };
    is_deeply $shares->(20), { A => 20, B => 0, C => 0 }, 'the default is the first side';
    $site->flip('C');
    is_deeply $shares->(20), { A => 0, B => 0, C => 20 }, 'all on one side';

    # Five standard deviations of 600 draws with 3/4: 53. Once in two million runs.
    $site->flip('A=75 B=25');
    my $landed = $shares->(600);
    is $landed->{C}, 0, 'no weight, no session';
    is $landed->{A} + $landed->{B}, 600, 'everybody lands';
    cmp_ok abs($landed->{A} - 450), '<', 53, "three quarters on A ($landed->{A} of 600)";
    $site->log_is_clean;
};

subtest 'ABSwitchDefault' => sub {
    my $site = ABSwitch::Site->new(app => 'ABSwitchDefault B')->start;
    asked $site, 'people land there until a switch record exists', { at => '/contact' },
        moved('/contact/B/', 'launchpad', cookie => 'B');
    $site->flip('A');
    asked $site, 'not after that', { at => '/contact' }, moved('/contact/A/', 'launchpad', cookie => 'A');
};

subtest 'routes' => sub {
    my $site = ABSwitch::Site->new(sides => [qw(A B C)], app => <<'CONF')->start;
ABSwitchRoute B "%{HTTP:X-Route} =~ /b/"
ABSwitchRoute C "%{HTTP:X-Route} =~ /c/"
ABSwitchRoute C "%{QUERY_STRING} =~ /canary/"
CONF
    my $land = sub ($name, $side, %ask) {
        local $Test::Builder::Level = $Test::Builder::Level + 1;
        my $kept = ($ask{at} // '') =~ s/\A[^?]*//r;
        asked $site, $name, { at => '/contact', %ask },
            moved("/contact/$side/$kept", 'launchpad', side => $side, cookie => $side);
    };
    $land->('no route holds: the weights', 'A');
    $land->('one that holds comes before the weights', 'C', headers => ['X-Route' => 'c']);
    $land->('the first that holds wins', 'B', headers => ['X-Route' => 'bc']);
    $land->('a later one may hold', 'C', at => '/contact?canary');
    asked $site, 'a POST is routed too', { at => '/contact', as => 'form', headers => ['X-Route' => 'c'] },
        moved('/contact/C/', 'launchpad', status => 303, cookie => 'C');
    asked $site, 'a live session is not', { at => '/contact', token => 'A', headers => ['X-Route' => 'c'] },
        moved('/contact/A/', 'launchpad');
    asked $site, 'nor is a tester', { at => '/contact', token => 'A tester', headers => ['X-Route' => 'c'] },
        moved('/contact/A/', 'launchpad');
    $site->flip('A=1 B=0 C=0 gen=5 at=' . time . ' by=test closed=B');
    $land->('a closed side is skipped, the next that holds wins', 'C', headers => ['X-Route' => 'bc']);
    $land->('or the weights', 'A', headers => ['X-Route' => 'b']);
    $site->log_is_clean;
};

# --- other places ---------------------------------------------------------------------------------------------

subtest 'a launchpad at the root, sides elsewhere' => sub {
    my $site = ABSwitch::Site->new(launchpad => '/');
    $site->{app} = 'ABSwitchDeepLinks off';
    $site->write('htdocs/index.html', "the server's own index\n");
    $site->set_conf(app_block($site, 'spread', <<'CONF', qw(A B)) =~ s{/spread/B}{/far/away}r);
ABSwitchLaunchpad /people
ABSwitchCookie abswitch_spread path=/
CONF
    $site->write('htdocs/far/away/index.html', "far\n");
    $site->start;
    asked $site, 'the root is a launchpad', { at => '/' }, moved('/contact/A/', 'launchpad', cookie => 'A');
    asked $site, 'with a query', { at => '/?a=1' }, moved('/contact/A/?a=1', 'launchpad', cookie => 'A');
    asked $site, 'a session there sticks', { at => '/', token => 'B' }, moved('/contact/B/', 'launchpad');
    is ask($site, at => '/')->cookie('abswitch_contact')->{path}, '/', 'its cookie is for everything';
    asked $site, 'other paths are nobody\'s', { at => '/index.html' },
        { status => 200, verdict => undef, like => qr/own index/ };

    asked $site, 'a side that is not below the launchpad', { at => '/people', app => 'spread', token => 'B' },
        moved('/far/away/', 'launchpad', side => 'B');
    asked $site, 'is decided upon', { at => '/far/away/', app => 'spread', token => 'B' },
        { status => 200, verdict => 'pass', like => qr/far/ };
    asked $site, 'so is one below nothing', { at => '/spread/A/', app => 'spread' },
        passed('A', 'enter', cookie => 'A');
    asked $site, 'a longer name is not the launchpad', { at => '/peoples', app => 'spread' },
        { status => 404, verdict => undef };
    $site->log_is_clean;
};

subtest 'paths that browsers send percent-encoded' => sub {
    my $site = ABSwitch::Site->new(conf => <<"CONF")->start;
<ABSwitch odd>
    ABSwitchLaunchpad "/\xc3\xa4 b"
    ABSwitchSide A "/\xc3\xa4 b/A"
    ABSwitchSide B "/\xc3\xa4 b/B"
    ABSwitchLogout /logout
    ABSwitchClearCookies JSESSIONID
</ABSwitch>
CONF
    my $anna = $site->browser;
    my $r = $anna->type_in('/%C3%A4%20b');
    is_deeply [$r->location, $r->cookie('abswitch_odd')->{path}], ['/%C3%A4%20b/A/', '/%C3%A4%20b'], 'so is the path of the cookie';
    is $anna->follow->header('X-Verdict'), 'pass', 'which comes back';
    $r = $anna->click('/%C3%A4%20b/A/logout');
    is_deeply [map { $_->{path} } grep { $_->{name} eq 'JSESSIONID' } $r->cookies],
        ['/%C3%A4%20b/A', '/%C3%A4%20b/A/', '/%C3%A4%20b'], "and of the application's that expire";
    is $anna->cookie('abswitch_odd'), undef, 'the token is gone';
    $site->log_is_clean;
};

subtest 'no redirect leaves the site, none is permanent' => sub {
    my $site = ABSwitch::Site->new(conf => "UseCanonicalName On\n")->start;
    for my $headers ([], [Host => 'evil.example'], [Host => 'APP.EXAMPLE.:8080'],
        ['X-Forwarded-Host' => 'evil.example'],
        ['X-Forwarded-Proto' => 'https']) {
        my $r = ask($site, at => '/contact', headers => $headers);
        is_deeply [$r->status, $r->location], [302, '/contact/A/'], "a path, and 302 (@$headers)";
    }
    is ask($site, at => 'http://evil.example/contact')->location, '/contact/A/', 'an absolute request target too';
    $site->log_is_clean;
};

done_testing;
