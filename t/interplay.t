#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# Beside httpd's other modules: docs/interplay.md says what is tried here. Everything is decided and counted once,
# whoever else has a hand in the request.

use v5.36;
use Digest::SHA qw(sha1_base64);
use IO::Socket::INET;
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Host qw(run which);
use ABSwitch::Httpd;
use ABSwitch::HttpdConf;
use ABSwitch::Manager;
use ABSwitch::Site;
use ABSwitch::Wait;

# A site of the newest record: A is open, B drains.
sub site (%o) {
    my $site = ABSwitch::Site->new(%o)->start;
    $site->flip('A=1 B=0 gen=3 at=' . time . ' by=test');
    return $site;
}

sub has_module ($name) {
    return -e ABSwitch::HttpdConf::_file($name);
}

# --- what maps a URL to something ---------------------------------------------------------------------------

subtest 'mod_rewrite' => sub {
    my $site = site(app => "ABSwitchLogout /logout\n", conf => <<'CONF');
RewriteEngine On
RewriteRule ^/contact/A/pretty$ /contact/A/index.html
RewriteRule ^/contact/A/gone$ - [G]
RewriteRule ^/contact/B/forbidden$ - [F]
RewriteCond %{ENV:ABSWITCH_SIDE} =B
RewriteRule ^/contact/./which$ /contact/B/index.html
RewriteRule ^/mapped/(.*) /contact/A/$1 [PT]
RewriteRule ^/told/(.*) /contact/A/$1 [R]
<Directory "${ROOT}/htdocs/contact/A">
    RewriteEngine On
    RewriteRule ^deep/(.*) /contact/A/$1
</Directory>
CONF
    asked $site, 'a rewritten path below a side', { at => '/contact/A/pretty', token => 'A' },
        passed('A', 'pass', like => qr/side A/);
    asked $site, 'a rule that refuses comes after the decision', { at => '/contact/A/gone', token => 'A' },
        { status => 410, verdict => 'pass', side => 'A' };
    asked $site, 'which sends people away from it', { at => '/contact/B/forbidden', token => 'A' },
        moved('/contact/A/forbidden', 'bookmark');
    asked $site, 'a condition on the side', { at => '/contact/B/which', token => 'B' },
        passed('B', 'pass', like => qr/side B/);
    asked $site, '... of the other one', { at => '/contact/A/which', token => 'A' },
        { status => 404, verdict => 'pass' };
    asked $site, 'what a rule maps into a side was decided under its own name: not at all',
        { at => '/mapped/index.html' }, { status => 200, verdict => undef, like => qr/side A/ };
    asked $site, 'what a rule redirects is decided when it comes', { at => '/told/index.html' },
        { status => 302, to => $site->origin . '/contact/A/index.html', verdict => undef };
    verdicts_rise $site, 'a rule of a directory, which begins anew inside, is decided once', { pass => 1 }, sub {
        asked $site, 'it passes', { at => '/contact/A/deep/index.html', token => 'A' },
            passed('A', 'pass', like => qr/side A/);
    };
    asked $site, 'and a newcomer gets one token', { at => '/contact/A/deep/index.html' },
        passed('A', 'enter', cookie => 'A');
    asked $site, 'the launchpad is ours', { at => '/contact' }, moved('/contact/A/', 'launchpad', cookie => 'A');
    $site->log_is_clean;
};

subtest 'mod_alias' => sub {
    my $site = ABSwitch::Site->new;
    $site->write("deployed/$_/index.html", "deployed $_\n") for qw(a b);
    $site->set_conf(<<'CONF');
Alias /contact/A ${ROOT}/deployed/a
AliasMatch ^/contact/B(.*) ${ROOT}/deployed/b$1
Redirect 302 /contact/A/moved /contact/A/index.html
RedirectMatch 410 ^/contact/B/gone
<Directory "${ROOT}/deployed">
    Require all granted
</Directory>
CONF
    $site->start;
    $site->flip('A=1 B=0 gen=3 at=' . time . ' by=test');
    asked $site, 'an alias', { at => '/contact/A/', token => 'A' }, passed('A', 'pass', like => qr/deployed a/);
    asked $site, 'by a pattern', { at => '/contact/B/', token => 'B' }, passed('B', 'pass', like => qr/deployed b/);
    asked $site, 'a redirect below a side comes after the decision', { at => '/contact/A/moved', token => 'A' },
        { status => 302, to => $site->origin . '/contact/A/index.html', verdict => 'pass' };
    asked $site, '... with a token for a newcomer', { at => '/contact/A/moved' },
        { status => 302, to => $site->origin . '/contact/A/index.html', verdict => 'enter', cookie => 'A' };
    asked $site, '... and not for whom we send away', { at => '/contact/B/gone', token => 'A' },
        moved('/contact/A/gone', 'bookmark');
    $site->log_is_clean;
};

subtest 'DirectoryIndex, ErrorDocument, mod_include' => sub {
    my $site = ABSwitch::Site->new(sides => [qw(A B C)], app => "ABSwitchLogout /logout\n");
    $site->write('htdocs/contact/A/parts.shtml',
        'begin <!--#include virtual="/contact/B/index.html" --> <!--#include virtual="/contact/C/index.html" --> end');
    $site->write('htdocs/contact/A/sorry.html', "sorry from A\n");
    $site->write('htdocs/closed.html', "closed page\n");
    $site->set_conf(<<'CONF');
ErrorDocument 403 /closed.html
ErrorDocument 404 /contact/A/sorry.html
ErrorDocument 503 /closed.html
CONF
    $site->start;
    $site->flip('A=1 B=0 C=0 gen=3 at=' . time . ' by=test closed=C');
    verdicts_rise $site, 'a directory and its index are one request', { pass => 1 }, sub {
        asked $site, 'an index', { at => '/contact/A/', token => 'A' }, passed('A', 'pass', like => qr/side A/);
    };
    asked $site, 'the missing slash is mod_dir\'s', { at => '/contact/A', token => 'A' },
        { status => 301, to => $site->origin . '/contact/A/', verdict => 'pass' };
    verdicts_rise $site, 'a page and its parts are one request', { pass => 1 }, sub {
        asked $site, 'parts of other sides, a closed one too', { at => '/contact/A/parts.shtml', token => 'A' },
            passed('A', 'pass', like => qr/begin .*side B.*side C.* end/s);
    };
    verdicts_rise $site, 'a refusal and its error document are one request', { closed => 1 }, sub {
        asked $site, 'the page is the administrator\'s, the status and the reason ours',
            { at => '/contact/C/', as => 'script' },
            refused(403, 'closed', reason => 'closed', like => qr/closed page/);
    };
    asked $site, 'the error document lies on a side, and nobody enters there', { at => '/nothing' },
        { status => 404, verdict => undef, like => qr/sorry from A/ };
    asked $site, '... whose request was of another side', { at => '/contact/B/nothing', token => 'B' },
        { status => 404, verdict => 'pass', side => 'B', like => qr/sorry from A/ };
    asked $site, 'a prefetch is refused with a page', { at => '/contact/A/', headers => ['Sec-Purpose' => 'prefetch'] },
        refused(503, 'prefetch', like => qr/closed page/);
    sessions_are $site, 'nobody was counted twice', { C => 0 };
    $site->log_is_clean;
};

# --- mod_proxy ---------------------------------------------------------------------------------------------

subtest 'mod_proxy_balancer' => sub {
    my @backs = map {
        my $back = ABSwitch::Httpd->new(module => 0, name => "back$_");
        $back->write("htdocs/contact/$_/index.html", "back end $_\n") for qw(A B);
        $back->start;
    } 1 .. 2;
    my $members = sub ($side) {
        return join '', map { "    BalancerMember http://127.0.0.1:" . $_->port . "/contact/$side route=r retry=0\n" } @backs;
    };
    my $site = site(
        modules => [qw(proxy_balancer slotmem_shm lbmethod_byrequests)],
        conf => join '', map { <<"CONF" } qw(A B));
<Proxy balancer://side-\L$_\E>
@{[ $members->($_) ]}
</Proxy>
ProxyPass /contact/$_ balancer://side-\L$_\E stickysession=JSESSIONID
CONF
    for my $side (qw(A B)) {
        asked $site, "a balancer behind side $side", { at => "/contact/$side/index.html", token => $side },
            passed($side, 'pass', like => qr/back end $side/) for 1 .. 4;
    }
    asked $site, 'whom we send away it does not see', { at => '/contact/B/index.html', token => 'A' },
        moved('/contact/A/index.html', 'bookmark');
    wait_for 'both members to have had their share', 5, sub {
        $_ = join ' ', map { scalar grep { $_->{request} =~ m{GET /contact/} } $_->access_log } @backs;
        $_ eq '4 4';
    };
    $backs[0]->stop;
    asked $site, 'a member that is down is passed over', { at => '/contact/A/index.html', token => 'A' },
        passed('A', 'pass', like => qr/back end A/) for 1 .. 3;
    verdicts_rise $site, 'and its request is one', { pass => 1 }, sub {
        ask($site, at => '/contact/A/index.html', token => 'A');
    };
    $site->expect_log(qr/AH00957|AH00958|AH00959|AH01114/);
    $site->log_is_clean;
};

# A server that takes every WebSocket and echoes what it hears, until the other side goes.
sub web_socket_server () {
    my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $@";
    my $pid = fork // die "fork: $!";
    return ($listener->sockport, $pid) if $pid;
    while (my $socket = $listener->accept) {
        my $head = '';
        1 while $head !~ /\r\n\r\n/ && sysread $socket, $head, 4096, length $head;
        my ($key) = $head =~ /^Sec-WebSocket-Key: *(\S+)/mi;
        my $accept = sha1_base64(($key // '') . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
        syswrite $socket, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            . "Sec-WebSocket-Accept: $accept\r\n\r\n";
        my $heard;
        syswrite $socket, $heard while sysread $socket, $heard, 4096;
    }
    POSIX::_exit(0);
}

subtest 'WebSockets' => sub {
    my ($port, $pid) = web_socket_server();
    my @ways = (
        ['mod_proxy_wstunnel', [qw(proxy_wstunnel)], join "\n", map { "ProxyPass /contact/$_ ws://127.0.0.1:$port/$_" } qw(A B)],
        ['mod_proxy_http', [], join "\n", map { "ProxyPass /contact/$_ http://127.0.0.1:$port/$_ upgrade=websocket" } qw(A B)],
    );
    for my $way (@ways) {
        my ($name, $modules, $conf) = @$way;
        my $site = site(modules => $modules, conf => "$conf\n");
        for my $case (['A', 'A'], ['A', 'B'], [undef, 'B']) {
            my ($token, $side) = @$case;
            my $line = $site->client->connection;
            my $r = ask($site, client => $line, at => "/contact/$side/chat", as => 'plain', token => $token, headers => [
                Upgrade => 'websocket', Connection => 'Upgrade', 'Sec-WebSocket-Version' => 13,
                'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==', Origin => $site->origin]);
            my $who = "$name, side $side, session of " . ($token // 'nobody');
            is_deeply [$r->status, scalar $r->header('Set-Cookie')], [101, undef], "$who: open";
            wait_for "$who: one request in flight", 5, sub { $_ = $site->side($side)->{in_flight}; $_ == 1 };
            $line->open->send('echo');
            is $line->open->bytes(4), 'echo', "$who: it carries";
            $line->close;
            wait_for "$who: it is over", 5, sub { $_ = $site->side($side)->{in_flight}; $_ == 0 };
        }
        $site->expect_log(qr/AH1043[79]|AH02447|AH01102|AH10212|AH10292/);     # tunnels that end
        $site->log_is_clean;
    }
    kill KILL => $pid;
    waitpid $pid, 0;
};

# --- caches -------------------------------------------------------------------------------------------------

subtest 'mod_cache' => sub {
    my $conf = sub ($quick) { return <<"CONF" };
CacheQuickHandler $quick
CacheEnable disk /contact
CacheRoot \${ROOT}/cache
CacheHeader On
CacheIgnoreCacheControl On
<Location /contact>
    Header set Cache-Control "max-age=600, public" "expr=%{REQUEST_URI} =~ /static/"
</Location>
CONF
    my $site = ABSwitch::Site->new(modules => [qw(cache cache_disk)], conf => $conf->('Off'), app => "ABSwitchLogout /logout\n");
    mkdir $site->path('cache');
    chmod 0777, $site->path('cache');
    $site->write("htdocs/contact/$_/static.html", "static $_\n") for qw(A B);
    $site->start;
    $site->flip('A=1 B=0 gen=3 at=' . time . ' by=test');
    my $hit = sub ($r) { return (scalar $r->header('X-Cache') // '') =~ /^HIT/ ? 1 : 0 };

    my $first = asked $site, 'a newcomer', { at => '/contact/A/static.html' }, passed('A', 'enter', cookie => 'A');
    my $second = asked $site, 'the next one', { at => '/contact/A/static.html' }, passed('A', 'enter', cookie => 'A');
    isnt $first->cookie('abswitch_contact')->{value}, $second->cookie('abswitch_contact')->{value},
        'has a token of their own: no answer with a token was stored';
    is $hit->($second), 0, '... none at all';
    my $anna = token_text('A');
    asked $site, 'a session', { at => '/contact/A/static.html', token => $anna }, passed('A', 'pass');
    my $r;
    ok poll(5, sub { $hit->($r = ask($site, at => '/contact/A/static.html', token => $anna)) }), 'is answered from the cache';
    is $r->header('X-Verdict'), 'pass', '... and counted all the same';
    sessions_are $site, 'as one session', { A => 1 };
    asked $site, 'somebody of B does not get what is stored', { at => '/contact/A/static.html', token => 'B' },
        moved('/contact/B/static.html', 'bookmark');
    asked $site, 'nor does somebody past their time', { at => '/contact/A/static.html', token => 'A old' },
        moved('/contact?abswitch=expired', 'cutoff', cookie => 'gone');
    # X-Verdict is the stored answer's.
    $r = ask($site, at => '/contact/A/static.html');
    is_deeply [$hit->($r), seen($r)->{cookie}, join(',', $r->header('Cache-Control')) =~ /private/ ? 1 : 0],
        [1, 'A', 1], 'a newcomer who is answered from the cache gets a token, and no other cache may keep that';
    $site->log_is_clean;

    $site->set_conf($conf->('On'));
    $site->restart;
    like $site->log_text, qr/CacheEnable: what mod_cache answers at once passes by mod_abswitch/, 'the quick handler is warned of';
    $site->expect_log(qr/CacheEnable: what mod_cache/);
    $site->log_is_clean;
};

# --- who somebody is ------------------------------------------------------------------------------------------

subtest 'mod_auth_form and mod_session' => sub {
    my $auth = <<'CONF';
    AuthType form
    AuthName contact
    AuthFormProvider file
    AuthUserFile ${ROOT}/conf/users
    Session On
    SessionCookieName session path=/contact
    AuthFormLoginRequiredLocation /login.html
    Require valid-user
CONF
    my $site = ABSwitch::Site->new(
        modules => [qw(authn_core authn_file authz_user auth_form session session_cookie request)],
        app => "ABSwitchLogout /logout\nABSwitchClearCookies session\n", conf => <<"CONF");
<Location /contact>
$auth
</Location>
<Location /contact/A/dologin>
    SetHandler form-login-handler
    AuthFormLoginSuccessLocation /contact/A/
</Location>
<Location /contact/A/logout>
    SetHandler form-logout-handler
    AuthFormLogoutLocation /bye.html
    SessionMaxAge 1
    Require all granted
</Location>
CONF
    $site->write('htdocs/login.html', "who are you?\n");
    $site->write('conf/users', 'anna:{SHA}' . sha1_base64('secret') . "=\n");
    $site->start;
    my $anna = $site->browser;
    my $r = $anna->type_in('/contact');
    is $r->location, '/login.html', 'who is nobody does not enter at the launchpad';
    is $anna->cookie('abswitch_contact'), undef, '... and gets no token there';
    $r = $anna->post_form('/contact/A/dologin', 'httpd_username=anna&httpd_password=secret');
    is $r->location, '/contact/A/', 'a login below a side is the application\'s';
    $r = $anna->follow;
    is_deeply [$r->status, scalar $r->header('X-Verdict')], [200, 'adopt'], 'and leads in';
    sessions_are $site, 'who has not come back yet is no session', { A => 0 };
    is $anna->click('/contact/A/')->status, 200, 'Anna works';
    sessions_are $site, 'and is one', { A => 1 };
    is $anna->type_in('/contact')->location, '/contact/A/', 'the launchpad knows her';
    $r = $anna->click('/contact/A/logout');
    is_deeply [scalar $r->header('X-Verdict'), $anna->cookie('abswitch_contact'), $anna->cookie('session')], ['logout', undef, undef],
        'a logout ends both sessions';
    sessions_are $site, 'and the count', { A => 0 };
    is $anna->type_in('/contact')->location, '/login.html', 'she is nobody again';
    $site->log_is_clean;
};

subtest 'mod_remoteip' => sub {
    my $site = site(modules => ['remoteip'], app => <<'CONF', conf => <<'MORE');
ABSwitchOverride /contact-test "-R '192.0.2.0/24'"
ABSwitchRoute B "-R '198.51.100.7'"
CONF
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1
MORE
    my $from = sub ($address) { return (headers => [defined $address ? ('X-Forwarded-For' => $address) : ()]) };
    asked $site, 'a tester, by the address that the balancer tells', { at => '/contact-test/B/', $from->('192.0.2.5') },
        moved('/contact/B/', 'door', cookie => 'B tester');
    asked $site, 'nobody from elsewhere', { at => '/contact-test/B/', $from->('203.0.113.5') }, refused(403, 'door');
    asked $site, 'nor from the balancer itself', { at => '/contact-test/B/', $from->(undef) }, refused(403, 'door');
    asked $site, 'nor with a lie before the truth', { at => '/contact-test/B/', $from->('192.0.2.5, 203.0.113.5') },
        refused(403, 'door');
    asked $site, 'a route by address', { at => '/contact', $from->('198.51.100.7') }, moved('/contact/B/', 'launchpad', cookie => 'B');
    asked $site, 'that others do not take', { at => '/contact', $from->('198.51.100.8') }, moved('/contact/A/', 'launchpad', cookie => 'A');
    $site->log_is_clean;
};

SKIP: {
    skip 'there is no mod_security2 here', 1 if !has_module('security2');
    subtest 'mod_security2' => sub {
        my $site = ABSwitch::Site->new(modules => [qw(unique_id security2)], launchpad => '/contact login=/login.shtml',
            app => "ABSwitchLogout /logout\n", conf => <<'CONF');
SecRuleEngine On
SecDataDir ${ROOT}/run
SecTmpDir ${ROOT}/run
SecRequestBodyAccess On
SecRequestBodyLimit 8192
SecRequestBodyNoFilesLimit 8192
SecResponseBodyAccess Off
SecDefaultAction "phase:1,nolog,pass"
SecDefaultAction "phase:2,nolog,pass"
SecRule REQUEST_URI "@contains evil" "id:1,phase:1,deny,status:403"
SecRule REQUEST_HEADERS:Cookie "@contains attack" "id:2,phase:1,deny,status:406"
SecRule REQUEST_URI "@contains away" "id:3,phase:1,redirect:/sorry.html,status:302"
SecRule ARGS "@contains bad" "id:4,phase:2,deny,status:403"
SecRule ARGS "@contains elsewhere" "id:5,phase:2,redirect:/sorry.html,status:302"
SecRule RESPONSE_HEADERS:Location "@contains leak" "id:6,phase:3,deny,status:403,nolog"
<Location /abswitch-manager>
    SetHandler abswitch-manager
    Require local
</Location>
CONF
        $site->write("htdocs/contact/$_/login.shtml", 'hello') for qw(A B);
        $site->start;
        $site->flip('A=1 B=0 gen=3 at=' . time . ' by=test');
        my $denied = sub ($status = 403, %more) { return { status => $status, verdict => undef, %more } };

        verdicts_rise $site, 'what it refuses at once we do not hear of', {}, sub {
            asked $site, 'below a side', { at => '/contact/A/evil', token => 'A' }, $denied->();
            asked $site, 'below a side that sends people away', { at => '/contact/B/evil', token => 'A' }, $denied->();
            asked $site, 'at the launchpad', { at => '/contact?evil' }, $denied->();
            asked $site, 'by a cookie', { at => '/contact/A/', headers => [Cookie => 'a=attack'] }, $denied->(406);
            asked $site, 'by the length of a form', { at => '/contact/A/', as => 'form', token => 'A', body => 'y' x 9000 },
                $denied->(413);
            asked $site, "$_ it redirects itself", { at => $_ }, $denied->(302, to => '/sorry.html')
                for '/contact?away', '/contact/A/away';
        };
        verdicts_rise $site, 'its second look at the launchpad comes before ours', {}, sub {
            for my $as (qw(nav form)) {
                asked $site, "a $as", { at => '/contact?x=bad', as => $as }, $denied->();
                asked $site, "a $as that it redirects", { at => '/contact?x=elsewhere', as => $as },
                    $denied->(302, to => '/sorry.html');
            }
            asked $site, 'a login', { at => '/contact', as => 'form', body => 'name=bad' }, $denied->();
        };
        verdicts_rise $site, '... and below a side after it', { bookmark => 1, pass => 3, enter => 1 }, sub {
            asked $site, 'who is sent away', { at => '/contact/B/?x=bad', token => 'A' },
                moved('/contact/A/?x=bad', 'bookmark');
            asked $site, 'a session', { at => '/contact/A/?x=bad', token => 'A' }, $denied->(403, verdict => 'pass');
            asked $site, '... redirected', { at => '/contact/A/?x=elsewhere', token => 'A' },
                $denied->(302, verdict => 'pass', to => '/sorry.html');
            asked $site, 'a form', { at => '/contact/A/', as => 'form', token => 'A', body => 'x=bad' },
                $denied->(403, verdict => 'pass');
            asked $site, 'a newcomer', { at => '/contact/A/?x=bad' }, $denied->(403, verdict => 'enter', cookie => 'A');
        };
        asked $site, 'who comes back to a refusal', { at => '/contact/A/', as => 'script' }, passed('A', 'pass');
        asked $site, 'what it lets pass is as ever', { at => '/contact/A/' }, passed('A', 'enter', cookie => 'A');
        asked $site, 'a login whose form it has read', { at => '/contact', as => 'form', body => 'name=anna&password=x' },
            { status => 307, to => '/contact/A/login.shtml', verdict => 'launchpad', cookie => 'A' };
        asked $site, '... arrives', { at => '/contact/A/login.shtml', as => 'form', body => 'name=anna&password=x', token => 'A' },
            passed('A', 'pass', like => qr/hello/);
        asked $site, 'a logout', { at => '/contact/A/logout?x=bad', token => 'A' }, $denied->(403, verdict => 'logout', cookie => 'gone');
        asked $site, 'a look at our answer', { at => '/contact?leak' }, { status => 403, verdict => 'launchpad' };
        wait_for 'none is in flight', 5, sub { $_ = $site->side('A')->{in_flight}; $_ == 0 };

        my $ann = ABSwitch::Manager->new($site);
        is $ann->order(action => 'flip', side => 'B')->status, 200, 'an order whose form it has read';
        is $ann->generation, 4, '... is carried out';
        is $ann->order(action => 'flip', side => 'A', note => 'bad')->status, 403, 'one that it refuses';
        is $ann->generation, 4, '... is not';
        is $ann->order(action => 'flip', side => 'A', note => 'x' x $_)->status, 413, "one that is too long: $_"
            for 5000, 9000;
        is $ann->generation, 4, '... neither';
        $site->expect_log(qr/ModSecurity/);
        $site->log_is_clean;
    };
}

# --- TLS and HTTP/2 --------------------------------------------------------------------------------------------

sub curl ($site, $path, @options) {
    my $url = 'https://app.example:' . $site->{tls} . $path;
    my ($exit, $output) = run('curl', '-sik', '--http2', '--max-time', 60, '--resolve', "app.example:$site->{tls}:127.0.0.1",
        '-H', 'Accept: text/html', @options, $url);
    my ($head) = $output =~ /\A(HTTP.*?)\r?\n\r?\n/s;
    my %answer = (exit => $exit, status => ($head // '') =~ /\A(HTTP\S+ \d+)/ ? $1 : $output);
    for my $name (qw(location set-cookie x-verdict)) {
        ($answer{$name}) = ($head // '') =~ /^$name: *(.*?)\r?$/mi;
    }
    return \%answer;
}

SKIP: {
    skip 'there is no curl with HTTP/2 here', 1 if !which('curl') || (run('curl', '-V'))[1] !~ /HTTP2/;
    skip 'there is no mod_ssl or mod_http2 here', 1 if !has_module('ssl') || !has_module('http2');
    for my $mpm (grep { $_ ne 'prefork' } ABSwitch::Httpd->mpms) {
        subtest "mod_ssl with HTTP/2: $mpm" => sub {
            my $site = ABSwitch::Site->new(mpm => $mpm, modules => [qw(socache_shmcb ssl http2)], app => "ABSwitchLogout /logout\n");
            $site->{tls} = ABSwitch::Host::free_port();
            my ($exit, $output) = run('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', 1, '-subj', '/CN=app.example',
                '-keyout', $site->path('conf/key.pem'), '-out', $site->path('conf/cert.pem'));
            $exit and return fail "openssl: $output";
            $site->set_conf(<<"CONF");
Listen 127.0.0.1:$site->{tls} https
<VirtualHost 127.0.0.1:$site->{tls}>
    ServerName app.example
    Protocols h2 http/1.1
    SSLEngine On
    SSLCertificateFile \${ROOT}/conf/cert.pem
    SSLCertificateKeyFile \${ROOT}/conf/key.pem
</VirtualHost>
CONF
            $site->start;
            $site->flip('A=1 B=0 gen=3 at=' . time . ' by=test');
            my $r = curl($site, '/contact');
            is_deeply [@$r{qw(status location x-verdict)}], ['HTTP/2 302', '/contact/A/', 'launchpad'], 'the launchpad';
            like $r->{'set-cookie'}, qr/; Secure; HttpOnly; SameSite=Lax\z/, 'with a Secure cookie';
            my @cookie = ('-b', ($r->{'set-cookie'} // '') =~ /\A([^;]*)/);
            is_deeply [@{ curl($site, '/contact/A/', @cookie) }{qw(status x-verdict set-cookie)}], ['HTTP/2 200', 'pass', undef], 'a session';
            sessions_are $site, 'is counted', { A => 1 };
            is curl($site, '/contact/B/x?q', @cookie)->{location}, '/contact/A/x?q', 'and sent to its side';
            my $own = "https://app.example:$site->{tls}";
            is curl($site, '/contact/B/', '-H', "Referer: $own/contact/A/")->{'x-verdict'}, 'adopt', 'the own origin is https';
            is curl($site, '/contact/B/', '-H', 'Referer: http://app.example/contact/A/')->{'x-verdict'}, 'bookmark', '... and not http';
            is curl($site, '/contact/B/x', '-H', 'Host: evil.example')->{location}, '/contact/A/x', 'a Host that lies';
            is curl($site, '/contact/A/', '-H', 'ABSwitch-Side: forged', @cookie)->{status}, 'HTTP/2 200', 'a forged header';
            is curl($site, '/contact/A/', '-X', 'POST', '-d', 'x=1', @cookie)->{'x-verdict'}, 'pass', 'a form';
            my @many = map { ("https://app.example:$site->{tls}/contact/A/?$_", '-o', '/dev/null') } 1 .. 30;
            verdicts_rise $site, 'streams of one connection are counted one by one', { pass => 31 }, sub {
                curl($site, '/contact/A/', '--parallel', '--parallel-max', 10, '-o', '/dev/null', @cookie, @many);
            };
            wait_for 'none is in flight', 5, sub { $_ = $site->side('A')->{in_flight}; $_ == 0 };
            sessions_are $site, 'as one session', { A => 1 };
            is curl($site, '/contact/A/logout', @cookie)->{'x-verdict'}, 'logout', 'a logout';
            sessions_are $site, 'ends it', { A => 0 };
            $site->expect_log(qr/AH01873|AH01906|AH01909|AH02292/);       # a certificate of our own
            $site->log_is_clean;
        };
    }
}

# --- restarts under load ---------------------------------------------------------------------------------------

# A process that asks for pages until it is told to stop, each on a new connection; its last words: how many, and what
# was not as it should be.
sub visitor ($site, $number) {
    my $token = token_text('A');
    pipe my $read, my $write or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    return { pid => $pid, read => $read } if $pid;
    close $read;
    my ($asked, @odd) = 0;
    until (-e $site->path('stop')) {        # a signal would interrupt a request
        my $r = ask($site, at => '/contact/A/?' . ++$asked, token => $token, as => $number % 2 ? 'nav' : 'script');
        push @odd, "request $asked: " . $r->status . ' ' . $r->reason
            if $r->status != 200 || ($r->header('X-Verdict') // '') ne 'pass' || $r->body !~ /side A/;
    }
    syswrite $write, join "\n", $asked, @odd;
    POSIX::_exit(0);
}

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest "graceful restarts under load: $mpm" => sub {
        use constant VISITORS => 4;
        use constant RESTARTS => 5;
        my $site = site(mpm => $mpm);
        my @visitors = map { visitor($site, $_) } 1 .. VISITORS;
        wait_for 'all of them', 5, sub { $_ = $site->side('A')->{sessions}; $_ == VISITORS };
        for my $n (1 .. RESTARTS) {
            $site->graceful;
            sessions_are $site, "restart $n: nobody is lost", { A => VISITORS };
        }
        $site->write('stop', '');
        my ($asked, @odd) = 0;
        for my $visitor (@visitors) {
            my ($n, @lines) = split /\n/, do { local $/; readline $visitor->{read} };
            $asked += $n;
            push @odd, @lines;
            waitpid $visitor->{pid}, 0;
        }
        is_deeply \@odd, [], 'no request failed';
        cmp_ok $asked, '>', VISITORS * RESTARTS, 'there were some';
        diag "$mpm: $asked requests during ${\RESTARTS} graceful restarts, " . @odd . ' failed';
        wait_for 'none is in flight', 5, sub { $_ = $site->side('A')->{in_flight}; $_ <= 0 };
        $site->log_is_clean;
    };
}

done_testing;
