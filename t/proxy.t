#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Sides behind mod_proxy: the decision is taken before a back end hears of the request.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Host qw(free_port);
use ABSwitch::Httpd;
use ABSwitch::Site;

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest $mpm => sub {
        my $back = ABSwitch::Httpd->new(module => 0, name => 'back', conf => <<'CONF');
Header set X-Back "%{X_SIDE}e"
SetEnvIf Request_URI ^/(\w+)/ X_SIDE=$1
Header add Set-Cookie "JSESSIONID=1; Path=/contact/A" "expr=%{REQUEST_URI} =~ /login/"
Header set Cache-Control "public, max-age=60" "expr=%{REQUEST_URI} =~ /public/"
Redirect 302 /a/redirect /a/index.html
CONF
        for my $app (qw(a b)) {
            $back->write("htdocs/$app/$_.html", "$app $_\n") for qw(index login public);
            $back->write("htdocs/$app/env.shtml", '<!--#printenv -->');
        }
        $back->start;
        my $port = $back->port;
        my %o = (mpm => $mpm, sides => [qw(A B C)], app => "ABSwitchLogout /login.html\n");
        my $site = ABSwitch::Site->new(%o, conf => <<"CONF")->start;
ProxyPass /contact/A http://127.0.0.1:$port/a
ProxyPassReverse /contact/A http://127.0.0.1:$port/a
<Location /contact/B>
    ProxyPass http://127.0.0.1:$port/b
</Location>
ProxyPass /contact/C http://127.0.0.1:$port/c
RequestHeader set X-AB-Side "%{ABSWITCH_SIDE}e" env=ABSWITCH_SIDE
CONF
        $site->flip('A=1 B=0 C=0 gen=3 at=' . time . ' by=test closed=C');
        my $heard = sub { return scalar grep { $_->{request} !~ /^OPTIONS/ } $back->access_log };
        my $before = $heard->();

        asked $site, 'a newcomer is sent to the current side', { at => '/contact/B/x?q' },
            moved('/contact/A/x?q', 'bookmark', cookie => 'A');
        asked $site, 'a session to its side', { at => '/contact/A/x', token => 'B' }, moved('/contact/B/x', 'bookmark');
        asked $site, 'a closed side is closed', { at => '/contact/C/', as => 'script' },
            refused(403, 'closed', reason => 'closed');
        asked $site, 'the cut-off cuts off', { at => '/contact/A/', token => 'A old' },
            moved('/contact?abswitch=expired', 'cutoff', cookie => 'gone');
        asked $site, 'a prefetch is refused', { at => '/contact/A/', headers => ['Sec-Purpose' => 'prefetch'] },
            refused(503, 'prefetch');
        is $heard->(), $before, 'of all that the back end hears nothing';

        asked $site, 'a session passes', { at => '/contact/A/index.html', token => 'A' },
            passed('A', 'pass', like => qr/\Aa index/);
        asked $site, 'on each side', { at => '/contact/B/index.html', token => 'B' },
            passed('B', 'pass', like => qr/\Ab index/);
        asked $site, 'a visitor', { at => '/contact/B/index.html', token => 'A', from => 'inside' },
            passed('B', 'visitor');
        asked $site, 'a new token comes with the back end\'s answer', { at => '/contact/A/index.html' },
            passed('A', 'enter', cookie => 'A', cache => 'private');
        asked $site, 'and with its 404', { at => '/contact/A/none' },
            { status => 404, verdict => 'enter', cookie => 'A', cache => 'private' };
        my $r = asked $site, 'what the back end calls public', { at => '/contact/B/public.html', from => 'inside' },
            passed('B', 'adopt', cookie => 'B');
        like join(',', $r->header('Cache-Control')), qr/\bprivate\b/, 'is private then';
        unlike join(',', $r->header('Cache-Control')), qr/\bpublic\b/, 'and public no more';
        asked $site, 'but not for a session', { at => '/contact/A/public.html', token => 'A' },
            passed('A', 'pass', cache => 'public, max-age=60');
        asked $site, 'its own cookie stays beside the token\'s', { at => '/contact/A/login.html', token => 'A' },
            passed('A', 'logout', cookie => 'gone', others => 'JSESSIONID 1 /contact/A');
        asked $site, 'its redirect is its own', { at => '/contact/A/redirect', token => 'A' },
            { status => 302, verdict => 'pass', to => $site->origin . '/contact/A/index.html' };

        my $body = ask($site, at => '/contact/A/env.shtml', as => 'form', token => 'A',
            headers => ['ABSWITCH-SIDE' => 'forged', 'ABSWITCH_VERDICT' => 'forged'])->body;
        unlike $body, qr/forged/, 'it hears nothing forged';
        like $body, qr/^HTTP_X_AB_SIDE=A$/m, 'but what the administrator tells it';
        like $body, qr/^REQUEST_METHOD=POST$/m, 'of a POST';
        sessions_are $site, 'sessions are counted', { C => 0 };
        my $anna = witness($site, 'A');
        asked $site, 'the launchpad leads there', { at => '/contact', token => $anna },
            moved('/contact/A/', 'launchpad');
        $_->log_is_clean for $site, $back;
    };
}

# However requests reach the back end, the decision comes first. `%s` is the back end's address.
subtest 'ways to say proxy' => sub {
    my $back = ABSwitch::Httpd->new(module => 0, name => 'back')->start;
    my $to = 'http://127.0.0.1:' . $back->port;
    my $site = ABSwitch::Site->new;
    my @ways = (
        ['ProxyPass of the sides', "ProxyPass /contact/A %s/a\nProxyPass /contact/B %s/b"],
        ['undecoded', "ProxyPass /contact/A %s/a mapping=encoded\nProxyPass /contact/B %s/b mapping=encoded"],
        ['for servlets', "ProxyPass /contact/A %s/a mapping=servlet\nProxyPass /contact/B %s/b mapping=servlet"],
        ['ProxyPassMatch', 'ProxyPassMatch ^/contact/([AB])/(.*)$ %s/$1/$2'],
        ['everything', 'ProxyPass / %s/'],
        ['everything for servlets', 'ProxyPass / %s/ mapping=servlet'],
        ['RewriteRule', "RewriteEngine On\nRewriteRule ^/(.*) %s/\$1 [P]"],
        ['SetHandler for the sides', qq{<Location "/contact/A">\nSetHandler "proxy:%s"\n</Location>}],
        ['SetHandler for everything', qq{<Location "/">\nSetHandler "proxy:%s"\n</Location>}],
    );
    for my $way (@ways) {
        my ($name, $conf) = @$way;
        $site->set_conf($conf =~ s/%s/$to/gr . "\n");
        $site->{pid} ? $site->graceful : $site->start;
        asked $site, "$name: the launchpad", { at => '/contact' }, moved('/contact/A/', 'launchpad', cookie => 'A');
        asked $site, "$name: a draining side", { at => '/contact/B/x' },
            moved('/contact/A/x', 'bookmark', cookie => 'A');
        asked $site, "$name: a session elsewhere", { at => '/contact/B/x?q', token => 'A' },
            moved('/contact/A/x?q', 'bookmark');
        asked $site, "$name: an encoded rest", { at => '/contact/B/a%20b/%41%c3%a9', token => 'A' },
            moved('/contact/A/a%20b/A%C3%A9', 'bookmark');
        asked $site, "$name: a session past its time", { at => '/contact/A/', token => 'A old', as => 'script' },
            refused(403, 'cutoff', reason => 'cutoff', cookie => 'gone');
    }
    $_->log_is_clean for $site, $back;
};

subtest 'a back end that is down' => sub {
    my $port = free_port();
    my $site = ABSwitch::Site->new(conf => "ProxyPass /contact/A http://127.0.0.1:$port/ retry=0\n")->start;
    my $r = ask($site, at => '/contact/A/');
    is_deeply [$r->status, seen($r)->@{qw(verdict cookie cache)}], [503, 'enter', 'A', 'private'],
        'a newcomer gets its token with the 503';
    $site->expect_log(qr/AH00957|AH01114|AH00959/);
    $site->log_is_clean;
};

done_testing;
