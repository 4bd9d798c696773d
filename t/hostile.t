#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Hostile and odd requests: each ends in a documented answer, no redirect leaves the application, nobody is counted
# who is not there, and no child dies of it.

use v5.36;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Site;

my @APP = (app => <<'CONF');
ABSwitchLogout /logout
ABSwitchOverride /contact-test "%{HTTP:X-Tester} == 'yes'"
CONF

# A redirect of the module leads to the launchpad or below a side, in printable ASCII, with no empty segment and no
# way up.
sub is_tame ($name, $r) {
    my $to = $r->location;
    return ok 1, "$name: no redirect" if !defined $to;
    my ($path) = $to =~ /\A([^?]*)/;
    my $tame = $path =~ m{\A/contact(?:/[AB](?:/.*)?)?\z} && $to =~ /\A[!-~]+\z/ && $to !~ /["<>#]/
        && $path !~ m{\\|//|/\.\.?(?:/|\z)};
    return ok $tame, "$name: the redirect stays" || diag $to;
}

sub path ($site, $target, $status, $to = undef, %ask) {
    my $name = length $target > 60 ? substr($target, 0, 40) . '... (' . length($target) . ' bytes)' : $target;
    $name =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    $name .= " ($ask{token})" if $ask{token};
    my $r = ask($site, at => $target, %ask);
    is $r->status, $status, "$name: status";
    like $r->location // 'none', $to ? qr/\A$to\z/ : qr/\Anone\z/, "$name: where to";
    is_tame($name, $r);
    is_deeply [$r->header('X'), grep { ($_->{name} ne 'abswitch_contact') } $r->cookies], [],
        "$name: no header slipped in";
    return $r;
}

sub site (%o) {
    my $site = ABSwitch::Site->new(@APP, %o, conf => "MaxKeepAliveRequests 0\n" . ($o{conf} // ''))->start;
    $site->expect_log(qr/\[core:error\].* AH(?:10244: invalid URI path|00135: Invalid method)/);
    $site->flip('A=1 B=0 gen=3 at=' . time . ' by=test');
    return $site;
}

# Newcomers and sessions of A who ask for something on the draining side B.
sub paths ($site) {
    my $long = 'x' x 7900;
    my @paths = (
        ['//contact/B/x', 302, '/contact/A/x'],
        ['/contact//B/x', 302, '/contact/A/x'],
        ['///contact///B///x', 302, '/contact/A/x'],
        ['/contact/B//evil', 302, '/contact/A/evil'],
        ['/contact/B///evil.example/', 302, '/contact/A/evil\.example/'],
        ['/contact/B/..//evil/', 302, '/contact/A/evil/'],
        ['/contact/A/%2e%2e/B/x', 302, '/contact/A/x'],
        ['/contact/A/../B/x', 302, '/contact/A/x'],
        ['/contact/B/../../x', 404],
        ['/contact/B/../../../x', 400],
        ['/contact/B/%2f%2fevil', 404],
        ['/contact%2fB/x', 404],
        ['/contact/B/%5cevil', 302, '/contact/A/%5[cC]evil'],
        ['/contact/B/%5c%5cevil', 302, '/contact/A/%5[cC]%5[cC]evil'],
        ['/contact/B/\\evil', 302, '/contact/A/%5[cC]evil'],
        ['/contact/B\\evil', 302, '/contact/A/B%5[cC]evil'],
        ['/contact/B/%0d%0aX:y', 302, '/contact/A/%0[dD]%0[aA]X:y'],
        ['/contact/B/%0d%0a%0d%0a<script>', 302, '/contact/A/(?:%0[dD]%0[aA]){2}%3[cC]script%3[eE]'],
        ['/contact/B/%09%7f%20', 302, '/contact/A/%09%7[fF]%20'],
        ['/contact/B/%00', 404],
        ['/contact/B/%zz', 400],
        ['/contact/B/%', 400],
        ['/contact/B;x/y', 302, '/contact/A/B;x/y'],
        ['/contact/AB', 302, '/contact/A/AB'],
        ['/contact/b', 302, '/contact/A/b'],
        ['/contact/%42/x', 302, '/contact/A/x'],
        ['/contact/%2542', 302, '/contact/A/%2542'],
        ['/contactus', 404],
        ['http://evil/contact/B/x', 302, '/contact/A/x'],
        ['http://evil.example:99/contact/B/x?a', 302, '/contact/A/x\?a'],
        ['/contact/B/http://evil/', 302, '/contact/A/http:/evil/'],
        ["/contact/B/$long", 302, "/contact/A/$long"],
        ['/contact/B/' . 'x' x 9000, 414],
        ['/contact/B/' . '{' x 7900, 302, '/contact/A/(?:%7[bB])+'],
        ["/contact/B/" . "\xff" x 7900, 302, '/contact/A/(?:%[fF]{2})+'],
        ['/contact/B/' . '%5c' x 2600, 302, '/contact/A/(?:%5[cC])+'],
        ['/contact/B/' . '/' x 7900 . 'x', 302, '/contact/A/x'],
        ['/contact/B/' . 'a/../' x 1500 . 'x', 302, '/contact/A/x'],
        ["/contact/B/\xff\xfe", 302, '/contact/A/%[fF]{2}%[fF][eE]'],
        ["\xff\xfe", 400],
        ['/contact/B/x?x=%0d%0aSet-Cookie:a', 302, '/contact/A/x\?x=%0d%0aSet-Cookie:a'],
        ['/contact/B/x?x=//evil', 302, '/contact/A/x\?x=//evil'],
        ['/contact/B?//evil', 302, '/contact/A\?//evil'],
        ['/contact/B/x?"<script>', 302, '/contact/A/x\?%22%3[cC]script%3[eE]'],
        ["/contact/B/x?\xff", 302, '/contact/A/x\?%[fF]{2}'],
        ['/contact/B/x?' . 'abswitch=1&' x 500 . 'y=1', 302, '/contact/A/x\?y=1'],
        ['/contact/B/x?abswitch=//evil', 302, '/contact/A/x'],
        ['/contact/B/;/../x', 302, '/contact/A/x'],
        ['/contact/B/.', 302, '/contact/A/'],
        ['/contact/B/x/..', 302, '/contact/A/'],
        ['/contact/B/..;/A/x', 302, '/contact/A/\.\.;/A/x'],
        ['/contact/B/%252e%252e/x', 302, '/contact/A/%252e%252e/x'],
        ['/contact/B/...', 302, '/contact/A/\.\.\.'],
        ['*', 400],
        ['contact/B/x', 400],
        ['', 400],
    );
    path($site, @$_) for @paths;
    for my $row (grep { ($_->[2] // '') =~ m{\A/contact/A/} } @paths) {
        path($site, @$row, token => 'A');
    }
}

sub headers ($site) {
    my $own = $site->origin;
    my $referer = sub ($inside, $name, @headers) {
        my $r = ask($site, at => '/contact/B/', from => 'nowhere', headers => [@headers]);
        my $seen = seen($r);
        is_deeply [@$seen{qw(status verdict cookie)}], $inside ? [200, 'adopt', 'B'] : [302, 'bookmark', 'A'], $name;
    };
    my @same = ('Sec-Fetch-Site' => 'same-origin');
    $referer->(0, "Referer $_", Referer => $_, @same)
        for 'http:', 'http://', 'http:///contact/A/', '///', '//', '/contact/A/', 'contact/A/', '?', '#', 'about:blank',
        'javascript:alert(1)', 'https://app.example.evil/contact/A/', 'https://evil/contact/A/', "$own.evil/contact/A/",
        "http://127.0.0.1\@evil/contact/A/", "$own\@evil/contact/A/", "http://evil\@127.0.0.1/contact/A/",
        "http://evil/$own/contact/A/", "http://evil?$own/contact/A/", "http://evil#$own/contact/A/",
        "$own/contact/A/../../other", "$own/contact/A/%2e%2e/%2e%2e/other", "$own/contact/A%00", "$own/contact/AB/",
        "http://127.0.0.1:0/contact/A/", "http://127.0.0.1:99999/contact/A/",
        "http://127.0.0.1:/contact/A/", "http://[::1/contact/A/", "http://[]/contact/A/", "ftp://127.0.0.1/contact/A/",
            'x' x 8000;
    $referer->(1, 'an empty Referer is none', Referer => '', @same);
    $referer->(1, 'a long one', Referer => "$own/contact/A/" . 'x' x 8000);
    $referer->(1, 'an encoded one', Referer => "$own/contact/%41/x");
    $referer->(0, 'two of them', Referer => ["$own/contact/A/", "$own/contact/A/"]);
    $referer->(0, 'two of them, one evil', Referer => ["$own/contact/A/", 'http://evil/']);
    $referer->(0, 'an empty one first', Referer => ['', "$own/contact/A/"]);
    is ask($site, at => '/contact/B/', headers => [Referer => "$own/contact/A/" . 'x' x 8200])->status, 400,
        "a longer one: httpd's own 400";

    $referer->(0, "Origin $_", Origin => $_)
        for 'null', '', 'http://127.0.0.1', 'http://127.0.0.1:1', "$own.evil", "$own/", "$own, $own", 'x' x 8000;
    $referer->(0, 'two Origins', Origin => [$own, $own]);
    $referer->(0, "Sec-Fetch-Site $_", 'Sec-Fetch-Site' => $_)
        for 'SAME-ORIGIN', 'same-origin, same-origin', 'same-origin, none', 'same-origin;x', '', 'same-site',
            'x' x 8000;
    $referer->(0, 'Sec-Fetch-Site twice', 'Sec-Fetch-Site' => ['same-origin', 'same-origin']);
    $referer->(1, 'an inside Referer with Sec-Fetch-Site none', Referer => "$own/contact/A/",
        'Sec-Fetch-Site' => 'none');
    $referer->(0, 'X-Forwarded-* lies', 'X-Forwarded-Host' => 'evil', 'X-Forwarded-Proto' => 'https',
        'X-Forwarded-For' => '127.0.0.1', Referer => 'https://evil/contact/A/');

    for my $purpose ('prefetch;prerender', 'prefetch', 'prefetch, x', 'prefetch;anonymous-client-ip') {
        is ask($site, at => '/contact/B/', headers => ['Sec-Purpose' => $purpose])->status, 503, "Sec-Purpose $purpose";
    }
    for my $purpose ('xprefetch', 'prefetchx', 'pre fetch', '"prefetch"', '', ';prefetch', 'x' x 8000) {
        is ask($site, at => '/contact/B/', headers => ['Sec-Purpose' => $purpose])->status, 302,
            'Sec-Purpose ' . substr $purpose, 0, 20;
    }

    asked $site, 'Upgrade without Connection', { at => '/contact/B/', headers => [Upgrade => 'websocket'] },
        passed('B', 'pass');
    my @socket = (Upgrade => 'websocket', Connection => 'Upgrade', 'Sec-WebSocket-Key' => 'eA==',
        'Sec-WebSocket-Version' => 13);
    for my $token (undef, 'A', 'B') {
        my $r = ask($site, at => '/contact/B/', as => 'plain', method => 'GET', headers => [@socket, Origin => $own],
            defined $token ? (token => $token) : (), client => $site->client);
        is_deeply [$r->status, seen($r)->@{qw(verdict cookie)}], [200, 'pass', undef],
            'a WebSocket handshake passes: ' . ($token // 'nobody');
    }
    my @hosts = (
        ['evil', 302], ['APP.EXAMPLE.', 302], ['[::1]', 302], ['x' x 300, 302], ['evil/contact', 400], ['a:b:c', 400],
        ['evil:99999', 400], ['', 400], [' ', 400], ["e\xffvil", 400],
    );
    for my $row (@hosts) {
        my ($host, $status) = @$row;
        my $r = ask($site, at => '/contact/B/x', headers => [Host => $host]);
        is_deeply [$r->status, $r->location], [$status, $status == 302 ? '/contact/A/x' : undef],
            'Host ' . substr($host =~ s/[^ -~]/?/gr, 0, 20);
    }
    is ask($site, at => '/contact/B/x', headers => [Host => ['a', 'b']])->status, 400, "two Hosts: httpd's own 400";
    asked $site, 'Connection: Cookie, Referer',
        { at => '/contact/B/', token => 'B', headers => [Connection => 'close, Cookie, Referer'] },
        passed('B', 'pass');

    my @methods = (
        # the application's answer below a side, ours at the launchpad
        ['get', 501, 405], ['Head', 501, 405], ['post', 501, 405], ['BREW', 501, 405], ['M' x 200, 501, 405],
        ['PROPFIND', 405, 405], ['MKCOL', 405, 405], ['OPTIONS', 200, 405], ['TRACE', 200, 405],
    );
    for my $row (@methods) {
        my ($method, $below, $launchpad) = @$row;
        my $name = substr $method, 0, 20;
        my $r = ask($site, at => '/contact/B/', method => $method);
        is_deeply [$r->status, $r->location, $r->header('Set-Cookie')], [$below, undef], "$name is no nav below a side";
        $r = ask($site, at => '/contact', method => $method);
        is_deeply [$r->status, $r->header('Set-Cookie')], [$launchpad], "$name at the launchpad is refused";
    }
    asked $site, 'HEAD is nav below a side', { at => '/contact/B/x', method => 'HEAD' },
        moved('/contact/A/x', 'bookmark', cookie => 'A');
    asked $site, '... and enters at the launchpad', { at => '/contact', method => 'HEAD' },
        moved('/contact/A/', 'launchpad', cookie => 'A');
    my @preflight = (Origin => 'http://evil.example', 'Access-Control-Request-Method' => 'POST');
    my $r = ask($site, at => '/contact/B/', method => 'OPTIONS', as => 'script', headers => [@preflight]);
    is_deeply [$r->status, seen($r)->@{qw(verdict cookie)}], [200, 'pass', undef], 'a CORS preflight below a side';
    is ask($site, at => '/contact', method => 'OPTIONS', as => 'script', headers => [@preflight])->status, 405,
        'and at the launchpad';
    is $site->client->raw("GET /contact/B/x HTTP/1.0\r\nAccept: text/html\r\n\r\n")->location, '/contact/A/x',
        'HTTP/1.0';
    is $site->client->raw("GET /contact/B/x\r\n\r\n")->status =~ /\A(?:0|400)\z/, 1, "HTTP/0.9: httpd's own refusal";
    my $get = "GET /contact/B/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    is $site->client->raw("${get}Referer : $own/contact/A/\r\n\r\n")->status,
        400, 'a blank before the colon';
    is $site->client->raw($get . "Cookie: abswitch_contact=x\r\n" x 90 . "Accept: text/html\r\n\r\n")->location,
        '/contact/A/x', 'ninety Cookie headers';
}

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest $mpm => sub {
        my $site = site(mpm => $mpm);
        my $parent = $site->pid;
        my %children = map { $_ => 1 } $site->children;
        subtest paths => \&paths, $site;
        sessions_are $site, 'sessions of A asked, but were redirected: nobody is counted', { A => 0, B => 0 };
        subtest headers => \&headers, $site if $mpm eq 'event';
        is $site->pid, $parent, 'the parent lives';
        my %now = map { $_ => 1 } $site->children;
        is_deeply [grep { !$now{$_} } keys %children], [], 'and so do its children' if $mpm ne 'prefork';
        $site->log_is_clean;
    };
}

subtest 'AllowEncodedSlashes' => sub {
    my $site = site(conf => "AllowEncodedSlashes On\n");
    path($site, '/contact/B/%2f%2fevil', 302, '/contact/A/evil', token => $_) for undef, 'A';
    path($site, '/contact%2fB/x', 302, '/contact/A/x');
    path($site, '/contact/B%2f..%2f..%2fx', 404);
    $site->log_is_clean;
    $site->set_conf("AllowEncodedSlashes NoDecode\n");
    $site->graceful;
    path($site, '/contact/B/%2f%2fevil', 302, '/contact/A/%2[fF]%2[fF]evil', token => $_) for undef, 'A';
    path($site, '/contact/B/%252fevil', 302, '/contact/A/%(?:25)?2[fF]evil');
    path($site, '/contact/B/a%2Fb', 302, '/contact/A/a%2[fF]b');
    path($site, '/contact/lists%2Fx.jsp', 302, '/contact/A/lists%2[fF]x.jsp', token => $_) for undef, 'A';
    path($site, '/contact%2fB/x', 404);
    $site->log_is_clean;
};

subtest 'MergeSlashes Off' => sub {
    my $site = site(conf => "MergeSlashes Off\n");
    path($site, $_->[0], $_->[1], $_->[2], token => 'A') for
        ['/contact/B//evil', 302, '/contact/A/evil'], ['/contact/B///evil/', 302, '/contact/A/evil/'],
        ['/contact/B/..//evil/', 302, '/contact/A/evil/'];
    ask($site, at => $_, as => 'script') for '//contact/B/x', '/contact//B/x';
    $site->log_is_clean;
};

subtest 'odd things at the launchpad, the logout and the door' => sub {
    my $site = site();
    for my $target ('//contact', '/contact//', '/contact/.', '/%63ontact', '/contact/A/..', '/contact/A/../',
        '/contact?//evil',
        '/contact?%0d%0aX:y', '/contact/?\\evil', 'http://evil.example/contact', '//contact?a=//b') {
        my $r = ask($site, at => $target);
        is_deeply [$r->status, ($r->location // '') =~ m{\A(/contact/A/)(?:\?|\z)}], [302, '/contact/A/'],
            "enter: $target";
        is_tame($target, $r);
    }
    for my $target ('/contact;x', '/contact%00', '/contact%2f', '/CONTACT', '/contact%20', '/contact.') {
        unlike ask($site, at => $target)->status, qr/\A302\z/, "not the launchpad: $target";
    }
    for my $target ('/contact/A/logout;', '/contact/A//logout', '/contact/A/x/../logout', '/contact/A/%6cogout',
        '/contact/A/logout;a;b=c', '/contact/A/logout?x') {
        is ask($site, at => $target, token => 'A')->header('X-Verdict'), 'logout', "a logout: $target";
    }
    for my $target ('/contact/A/logout/', '/contact/A/Logout', '/contact/A/logoutx', '/contact/A;x/logout',
        '/contact/A/logout%20', '/contact/A/logout;a/b') {
        isnt ask($site, at => $target, token => 'A')->header('X-Verdict') // '', 'logout', "none: $target";
    }
    my @doors = (
        ['/contact-test/B//evil', 302, '/contact/B/evil'], ['/contact-test/B/%5cevil', 302, '/contact/B/%5[cC]evil'],
        ['/contact-test/B/%0d%0aX:y', 302, '/contact/B/%0[dD]%0[aA]X:y'], ['/contact-test//B/x', 302, '/contact/B/x'],
        ['/contact-test/B/%2e%2e/B/x', 302, '/contact/B/x'], ['/contact-test/B?//evil', 302, '/contact/B/\?//evil'],
        ['/contact-test/B/..;/x', 302, '/contact/B/\.\.;/x'], ['/contact-test/off?//evil', 302, '/contact\?//evil'],
        ['/contact-test/off//evil', 404], ['/contact-test/../../B', 400], ['/contact-test/..%2fB', 404],
        ['/contact-test/B;x', 404], ['/contact-test/%2e%2e', 404],
    );
    path($site, @$_[0 .. 2], headers => ['X-Tester' => 'yes']) for @doors;
    $site->log_is_clean;
};

subtest 'a flood without cookies leaves nothing behind' => sub {
    my $site = site();
    my $line = $site->client->connection;
    verdicts_rise $site, 'every entry is a verdict', { launchpad => 150, enter => 150 }, sub {
        for (1 .. 150) {
            ask($site, client => $line, at => '/contact');
            ask($site, client => $line, at => '/contact/A/');
        }
    };
    $line->close;
    witness($site, 'A');
    sessions_are $site, 'only who comes back is a session', { A => 1, B => 0 };
    $site->log_is_clean;
};

done_testing;
