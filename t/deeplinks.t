#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Deep links: old addresses below the launchpad that httpd itself would answer 404.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Httpd;
use ABSwitch::Site;

sub site (%o) {
    my $api = $o{back} ? 'ProxyPass /contact/api http://127.0.0.1:' . $o{back}->port . "/\n" : '';
    my $site = ABSwitch::Site->new(sides => [qw(A B C)], modules => [qw(status negotiation)], %o);
    $site->write("htdocs/contact/$_", "own $_\n") for qw(help.html doc.html dir/file.txt with/index.html);
    $site->write('htdocs/contact/info.shtml', 'info <!--#echo var="PATH_INFO" -->');
    $site->write('htdocs/fallback.html', "fallback\n");
    $site->set_conf(($o{conf} // '') . $api . <<'CONF');
<Location /contact/server>
    SetHandler server-status
</Location>
<Location /contact/secret>
    Require all denied
</Location>
<Directory "${ROOT}/htdocs/contact">
    Options +MultiViews
</Directory>
<Files info.shtml>
    AcceptPathInfo On
</Files>
Redirect 301 /contact/moved /elsewhere
Alias /contact/alias ${ROOT}/htdocs/fallback.html
RewriteEngine On
RewriteRule ^/contact/rewritten$ /fallback.html [PT]
RewriteRule ^/contact/gone$ - [G]
CONF
    $site->start;
    $site->flip('A=1 B=0 C=0 gen=3 at=' . time . ' by=test closed=C');
    return $site;
}

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest $mpm => sub {
        my $site = site(mpm => $mpm);
        my $to = sub ($path, %more) { moved($path, 'deeplink', %more) };
        my $none = sub (%more) { return { status => 404, verdict => undef, %more } };
        my @rows = (
            ['to the current side with a new token', '/lists.jsp', {},
                $to->('/contact/A/lists.jsp', cookie => 'A', side => 'A')],
            ['with its query', '/lists.jsp?a=1&abswitch=x', {}, $to->('/contact/A/lists.jsp?a=1', cookie => 'A')],
            ['the same rest', '/a/b%20c/;d/', {}, $to->('/contact/A/a/b%20c/;d/', cookie => 'A')],
            ["to the live session's side", '/lists.jsp', { token => 'B' }, $to->('/contact/B/lists.jsp', side => 'B')],
            ["to the tester's, closed or not", '/lists.jsp', { token => 'C tester' }, $to->('/contact/C/lists.jsp')],
            ['a session of a closed side is none', '/lists.jsp', { token => 'C' },
                $to->('/contact/A/lists.jsp', cookie => 'A')],
            ['one past its time is none', '/lists.jsp', { token => 'B old' },
                $to->('/contact/A/lists.jsp', cookie => 'A')],
            ['from inside as well', '/lists.jsp', { from => 'inside' }, $to->('/contact/A/lists.jsp', cookie => 'A')],
            ['by HEAD', '/lists.jsp', { method => 'HEAD' }, $to->('/contact/A/lists.jsp', cookie => 'A')],
            ['of an old browser', '/lists.jsp', { from => 'nowhere', headers => ['Sec-Fetch-Mode' => undef] },
                $to->('/contact/A/lists.jsp', cookie => 'A')],
            ['a longer name than a side', '/AB/x', {}, $to->('/contact/A/AB/x', cookie => 'A')],
            ['a side in another case', '/b', {}, $to->('/contact/A/b', cookie => 'A')],
            ['a prefetch: 503', '/lists.jsp', { headers => ['Sec-Purpose' => 'prefetch'] }, refused(503, 'prefetch')],
            ['of a session too', '/lists.jsp', { token => 'A', headers => ['Sec-Purpose' => 'prefetch'] },
                refused(503, 'prefetch')],
            ['not nav: a script', '/lists.jsp', { as => 'script' }, $none->()],
            ['not nav: no browser', '/lists.jsp', { as => 'plain' }, $none->()],
            ['not nav: XMLHttpRequest', '/lists.jsp', { headers => ['X-Requested-With' => 'x'] }, $none->()],
            ['not nav: a form', '/lists.jsp', { as => 'form' }, { verdict => undef }],
            ['not nav: a script that prefetches', '/lists.jsp',
                { as => 'script', headers => ['Sec-Purpose' => 'prefetch'] }, $none->()],
            ['a file that exists', '/help.html', {}, { status => 200, verdict => undef, like => qr/own help/ }],
            ['a file that negotiation finds', '/doc', {}, { status => 200, verdict => undef, like => qr/own doc/ }],
            ['a directory with an index', '/with/', {}, { status => 200, verdict => undef, like => qr/own with/ }],
            ['one without its slash', '/with', {}, { status => 301, verdict => undef, to => $site->origin
                . '/contact/with/' }],
            ['a path behind a file that takes none', '/help.html/more', {},
                $to->('/contact/A/help.html/more', cookie => 'A')],
            ['a path behind one that takes it', '/info.shtml/more', {},
                { status => 200, verdict => undef, like => qr{info /more} }],
            ["another module's handler", '/server', {},
                { status => 200, verdict => undef, like => qr/Apache Server Status/ }],
            ['a path below it', '/server/x', {}, { status => 200, verdict => undef }],
            ['what is forbidden stays so', '/secret/x', {}, { status => 403, verdict => undef }],
            ['a redirect', '/moved/x', {}, { status => 301, verdict => undef, to => $site->origin . '/elsewhere/x' }],
            ['an alias', '/alias', {}, { status => 200, verdict => undef, like => qr/fallback/ }],
            ['a rewritten path', '/rewritten', {}, { status => 200, verdict => undef, like => qr/fallback/ }],
            ['one that is gone', '/gone', {}, { status => 410, verdict => undef }],
        );
        for my $row (@rows) {
            my ($name, $rest, $ask, $expect) = @$row;
            asked $site, $name, { at => "/contact$rest", %$ask }, $expect;
        }
        $site->expect_log(qr/AH01630: client denied/);
        asked $site, 'not below the launchpad', { at => '/contactus' }, $none->();
        asked $site, 'nor is another path', { at => '/lists.jsp' }, $none->();
        asked $site, 'below a side it is the application\'s 404', { at => '/contact/A/lists.jsp', token => 'A' },
            { status => 404, verdict => 'pass' };
        $site->log_is_clean;
    };
}

subtest 'counted once; error pages' => sub {
    my $site = site(conf => "ErrorDocument 404 /contact/nowhere.html\n");
    verdicts_rise $site, 'a deep link', { deeplink => 1 }, sub { ask($site, at => '/contact/lists.jsp') };
    verdicts_rise $site, 'its prefetch', { prefetch => 1 }, sub {
        ask($site, at => '/contact/lists.jsp', headers => ['Sec-Purpose' => 'prefetch']);
    };
    verdicts_rise $site, 'an error page that is missing itself is none', {}, sub {
        asked $site, 'an error page', { at => '/contact/lists.jsp', as => 'script' },
            { status => 404, verdict => undef };
        asked $site, 'of another path', { at => '/none.html' }, { status => 404, verdict => undef };
    };
    sessions_are $site, 'nobody is in', { A => 0, B => 0 };
    my $anna = $site->browser;
    $anna->type_in('/contact/help.html');
    is $anna->type_in('/contact/page.html')->location, '/contact/A/page.html', 'a browser';
    $anna->follow;
    sessions_are $site, 'the session counts when its token is back', { A => 1 };
    my $token = witness($site, 'B');
    ask($site, at => '/contact/lists.jsp', token => $token);
    sessions_are $site, 'a deep link of a session is no new one', { A => 1, B => 1 };
    $site->log_is_clean;
};

subtest 'a back end below the launchpad' => sub {
    my $back = ABSwitch::Httpd->new(module => 0, name => 'back')->start;
    my $site = site(back => $back);
    asked $site, "a back end's 404 is not httpd's own", { at => '/contact/api/none' },
        { status => 404, verdict => undef };
    asked $site, 'beside it', { at => '/contact/apis' }, moved('/contact/A/apis', 'deeplink', cookie => 'A');
    $_->log_is_clean for $site, $back;
};

subtest 'ABSwitchDeepLinks off' => sub {
    my $site = site(app => 'ABSwitchDeepLinks off');
    asked $site, 'nav', { at => '/contact/lists.jsp' }, { status => 404, verdict => undef };
    asked $site, 'a session', { at => '/contact/lists.jsp', token => 'B' }, { status => 404, verdict => undef };
    asked $site, 'a prefetch', { at => '/contact/lists.jsp', headers => ['Sec-Purpose' => 'prefetch'] },
        { status => 404, verdict => undef };
    asked $site, 'a path behind a file that takes it', { at => '/contact/info.shtml/more' },
        { status => 200, verdict => undef, like => qr{info /more} };
    asked $site, 'the launchpad works', { at => '/contact/' }, moved('/contact/A/', 'launchpad', cookie => 'A');
    $site->log_is_clean;
};

subtest 'a launchpad at the root' => sub {
    my $site = ABSwitch::Site->new(launchpad => '/')->start;
    asked $site, 'everything is below it', { at => '/lists.jsp?x' },
        moved('/contact/A/lists.jsp?x', 'deeplink', cookie => 'A');
    asked $site, 'but what exists', { at => '/contact/A/' }, passed('A', 'enter', cookie => 'A');
    asked $site, 'the status page', { at => '/abswitch-status' }, { status => 200, verdict => undef };
    $site->log_is_clean;
};

done_testing;
