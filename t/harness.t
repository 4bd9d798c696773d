#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The harness itself, with a httpd that does not have our module: what the other tests stand on.

use v5.36;
use IO::Socket::INET;
use Test::More;
use Test2::API qw(intercept);
use ABSwitch::ErrorLog;
use ABSwitch::Host qw(free_port repo run spew);
use ABSwitch::Httpd;
use ABSwitch::TempDir;
use ABSwitch::Token;
use ABSwitch::Wait;

sub plain (%o) {
    return ABSwitch::Httpd->new(module => 0, name => 'plain', %o);
}

# How many failures these test points have.
sub failures ($block) {
    return scalar grep { !$_->pass } grep { $_->isa('Test2::Event::Ok') } intercept { $block->() }->@*;
}

for my $mpm (ABSwitch::Httpd->mpms) {
    subtest "the life of a httpd: $mpm" => sub {
        my $httpd = plain(mpm => $mpm);
        $httpd->write('htdocs/page.html', "hello\n");
        $httpd->start;
        my $client = $httpd->client;
        is $client->get('/page.html')->body, "hello\n", 'it serves a file';
        my @first;
        wait_for 'its children to be known', 5, sub { $_ = @first = $httpd->children; $_ == ($mpm eq 'prefork' ? 4 : 2) };

        my $pid = $httpd->pid;
        $httpd->set_conf('Alias /other ${ROOT}/htdocs/page.html');
        is $client->get('/other')->status, 404, 'a configuration is not in force before';
        $httpd->graceful;
        is $client->get('/other')->status, 200, 'a graceful restart';
        is $httpd->pid, $pid, 'by the same parent';
        my %now = map { $_ => 1 } my @second = $httpd->children;
        is_deeply [grep { $now{$_} } @first], [], 'with other children';
        $httpd->restart;
        is $client->get('/other')->status, 200, 'a restart';

        $httpd->kill_all;
        wait_for 'kill_all to leave no process', 5, sub { !grep { kill 0, $_ } $pid, @second };
        is $client->get('/other')->status, 0, 'and nobody answers';
        $httpd->start;
        is $client->get('/other')->status, 200, 'it starts again on its port';
        my ($third) = $httpd->children;
        $httpd->stop('graceful');
        wait_for 'a graceful stop to take the children along', 5, sub { !kill 0, $third };
        $httpd->log_is_clean;
    };
}

subtest 'configurations' => sub {
    my $httpd = plain(modules => ['info', '-proxy', '-proxy_http']);
    my ($exit, $output) = $httpd->configtest;
    is $exit, 0, 'a good one' or diag $output;
    ($exit, $output) = $httpd->configtest('ProxyPass / http://localhost/');
    isnt $exit, 0, 'a directive of a module that was left out';
    like $output, qr/Invalid command 'ProxyPass'/, 'is named';
    is +($httpd->configtest('<Location /i>' . "\nSetHandler server-info\n" . '</Location>'))[0], 0, 'one more module';

    my $broken = plain(conf => 'NoSuchDirective');
    like $broken->try_start, qr/did not start \(exit status 1\).*NoSuchDirective/s, 'why a start failed';
    is failures(sub { $broken->log_is_clean }), 1, 'is also in the log';
    $broken->expect_log(qr/NoSuchDirective|Syntax error/);

    my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1);
    my $moved = plain(port => $taken->sockport)->start;
    isnt $moved->port, $taken->sockport, 'a port that is taken is replaced';
    $moved->log_is_clean;
};

subtest 'surprises in the error log' => sub {
    my $port = free_port();
    my $httpd = plain(conf => "ProxyPass /gone http://127.0.0.1:$port/ retry=0")->start;
    is $httpd->client->get('/gone')->status, 503, 'a proxy without a back end';
    like join("\n", $httpd->errors), qr/AH00957/, 'logs errors';
    is failures(sub { $httpd->log_is_clean }), 1, 'log_is_clean fails';
    is failures(sub { $httpd->log_is_clean }), 0, 'once';
    is $httpd->client->get('/gone')->status, 503, 'again';
    is failures(sub { $httpd->DESTROY }), 1, 'what nobody looked at fails the test at the end';

    $httpd = plain()->start;
    kill SEGV => ($httpd->children)[0];
    wait_for 'the end of a child to be logged', 5, sub { $_ = $httpd->log_text; /exit signal Segm/ };
    like +($httpd->errors)[0], qr/AH0005[12]/, 'a crash is a surprise too';
    $httpd->expect_log(qr/AH0005[12]/);
    $httpd->log_is_clean;

    kill KILL => -$httpd->pid;
    wait_for 'the end of all of it', 5, sub { !ABSwitch::Httpd::_group($httpd->pid) };
    is failures(sub { $httpd->stop }), 1, 'so is a server that is gone before it was stopped';
};

subtest 'a child that crashes' => sub {
    my ($crash, $killed, $removed, $term, $hup, $running) = map { "[Sun Nov 22 10:00:00 2026] [core:notice] [pid 1] $_\n" }
        'AH00052: child pid 2 exit signal Segmentation fault (11)', 'AH00052: child pid 2 exit signal Killed (9)',
        'AH00096: removed PID file', 'AH00491: caught SIGTERM, shutting down',
        'AH00493: SIGHUP received.  Attempting to restart', 'AH00489: resuming normal operations';
    my $dir = temp_dir('log');
    my $odd = sub ($text) { return scalar ABSwitch::ErrorLog->new(spew("$dir/log", $text))->unexpected };
    is $odd->($crash . $removed . $term), 0, 'at TERM it is httpd';
    is $odd->($crash . $crash . $term), 0, 'two';
    is $odd->($crash . $hup), 0, 'and at HUP';
    is $odd->($crash . $running), 1, 'else it is a surprise';
    is $odd->($crash . $running . $term), 1, 'even if an end follows';
    is $odd->($killed . $term), 1, 'and so is another signal';
};

subtest 'the access log' => sub {
    my $httpd = plain(conf => 'SetEnvIf Request_URI ^/x ABSWITCH_SIDE=A')->start;
    $httpd->client->get('/x?y');
    my $line;
    wait_for 'the line', 5, sub { ($line) = grep { $_->{request} =~ /GET/ } $_->@* for $_ = [$httpd->access_log]; $line };
    is_deeply [@$line{qw(status request side verdict)}], [404, 'GET /x?y HTTP/1.1', 'A', '-'], 'its fields';
};

subtest 'client' => sub {
    my $httpd = plain(conf => <<'CONF');
Header always set X-Seen "expr=%{req:X-A}"
Header always add X-Two 1
Header always add X-Two 2
CONF
    $httpd->write('htdocs/a', 'a' x 100_000);
    $httpd->write('htdocs/chunks.shtml', '<!--#echo var="REQUEST_METHOD" -->' . 'b' x 100_000);
    $httpd->start;
    my $client = $httpd->client;

    my $r = $client->request('GET', '/a', headers => ['X-A' => [1, 2]]);
    is length $r->body, 100_000, 'a body by its length';
    is scalar $r->header('x-seen'), '1, 2', 'a header twice, in order';
    is_deeply [$r->header('X-Two')], [1, 2], 'all headers of a name';
    is length $client->head('/a')->body, 0, 'HEAD';
    is $client->get('/a', Host => undef)->status, 400, 'no Host';
    is $client->raw("GET /a HTTP/1.0\r\n\r\n")->status, 200, 'raw bytes';
    is $client->get('/chunks.shtml', Connection => 'close')->body, 'GET' . 'b' x 100_000, 'an included page';

    my $kept = $client->connection;
    $r = $kept->get('/chunks.shtml');
    is scalar $r->header('Transfer-Encoding'), 'chunked', 'chunks';
    is $r->body, 'GET' . 'b' x 100_000, 'are put together';
    is $kept->get('/a')->status, 200, 'a second request on a connection';
    is $kept->post('/chunks.shtml', 'x=1')->body, 'POST' . 'b' x 100_000, 'a third one, with a body';
    $kept->open->send("GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    is length $kept->open->response->body, 100_000, 'pipelined';
    is $kept->open->response('HEAD')->status, 200, 'both are answered';
    ok $kept->open->is_closed, 'and the server closes';
    like $kept->get('/a')->reason, qr/closed/, 'a request after that has no answer';

    my $half = $httpd->client->open;
    $half->send("GET /a HTTP/1.1\r\nHo");
    {
        local $half->{deadline} = 0.2;
        is $half->response->reason, 'no complete answer within the deadline', 'half a request has none yet';
    }
    $half->send("st: x\r\n\r\n");
    is $half->response->status, 200, 'the whole one has';
    like $httpd->client(port => free_port())->get('/')->reason, qr/no connection/, 'nobody there';
    $httpd->log_is_clean;
};

subtest 'browser' => sub {
    my $httpd = plain(conf => <<'CONF')->start;
Redirect 302 /in /app/page
Redirect 303 /save /app/saved
Redirect 307 /again /app/saved
Redirect 302 /away http://example.com/
Redirect 302 /loop /loop
Header always set X-Request "expr=%{req:Sec-Fetch-Site} %{req:Sec-Fetch-Mode} %{req:Referer} %{req:Origin}"
Header always set X-Cookie "expr=%{req:Cookie}"
Header always set X-Method "expr=%{REQUEST_METHOD}"
<Location /in>
    Header always add Set-Cookie "t=1; Path=/app; HttpOnly; SameSite=Lax"
    Header always add Set-Cookie "t=2"
    Header always add Set-Cookie "s=1; Path=/; SameSite=Strict"
    Header always add Set-Cookie "x=1; Path=/; Secure"
</Location>
<Location /out>
    Header always add Set-Cookie "t=; Path=/app; Max-Age=0"
    Header always add Set-Cookie "s=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
</Location>
CONF
    my $anna = $httpd->browser;
    my $origin = $httpd->origin;
    my $seen = sub ($r) { [map { scalar $r->header($_) } qw(X-Method X-Request X-Cookie)] };

    is $anna->type_in('/in')->status, 302, 'a redirect is not followed unasked';
    my $r = $anna->follow;
    is $anna->redirects, 1, 'it is counted';
    is_deeply $seen->($r), ['GET', 'none navigate', 't=1; t=2; s=1'], 'typed: no Referer; cookies by path';
    is $anna->page, '/app/page', 'the page they are on';
    is_deeply $seen->($anna->click('/app/next?q')), ['GET', "same-origin navigate $origin/app/page", 't=1; t=2; s=1'],
        'a link';
    is_deeply $seen->($anna->reload), ['GET', "same-origin navigate $origin/app/page", 't=1; t=2; s=1'],
        'a reload keeps the Referer';
    is_deeply $seen->($anna->click('/apple', headers => [Referer => undef])),
        ['GET', 'same-origin navigate', 't=2; s=1'],
        'a noreferrer link; a path is covered by whole segments';
    is_deeply $seen->($anna->click_from('http://other.example', '/app')),
        ['GET', 'cross-site navigate http://other.example/', 't=1; t=2'], 'a link elsewhere: no strict cookie';
    is_deeply $seen->($anna->fetch('/app/data')), ['GET', "same-origin cors $origin/app", 't=1; t=2; s=1'], 'a script';
    is $anna->page, '/app', 'leaves the page';

    is_deeply $seen->($anna->post_form('/save', 'x=1')),
        ['POST', "same-origin navigate $origin/app $origin", 't=2; s=1'],
        'a form';
    is_deeply $seen->($anna->follow), ['GET', "same-origin navigate $origin/app", 't=1; t=2; s=1'],
        '303 makes it a GET';
    $anna->post_form('/again', 'x=1');
    is_deeply $seen->($anna->follow), ['POST', "same-origin navigate $origin/app/saved $origin", 't=1; t=2; s=1'],
        '307 does not';
    $anna->type_in('/away');
    is $anna->follow->status, 302, 'it stays on the site';
    $anna->type_in('/loop');
    $anna->follow;
    is $anna->redirects, 10, 'a loop has an end';

    $anna->type_in('/out');
    is_deeply [$anna->cookie('s'), $anna->cookie('t')], [undef, 2], 'Max-Age=0 and an Expires in the past end a cookie';
    is $anna->cookie('x'), undef, 'no Secure cookie over http';
    my $old = $httpd->browser(fetch_metadata => 0);
    is_deeply $seen->($old->type_in('/app')), ['GET', '', ''], 'a browser without Fetch Metadata';
    $httpd->log_is_clean;
};

subtest 'waiting' => sub {
    my $n = 0;
    wait_for 'the third time', 5, sub { ++$n == 3 };
    is failures(sub { wait_for 'never', 0.1, sub { $_ = 'seen'; 0 } }), 1, 'a time-out fails';
    my $looks = 0;
    holds 'what is odd at first, and then no more', 0.2, sub { $looks++ < 2 ? 'odd' : () };
    is failures(sub { holds 'never', 0.1, sub { 'odd' } }), 1, 'what is odd each time fails';
    my ($times, @said) = watch(0.2, sub { 'said' });
    is scalar @said, $times, 'watching looks again and again';
};

subtest 'commands' => sub {
    is_deeply [run('sh', '-c', 'echo out; echo err >&2; exit 3')], [3, "out\nerr\n"], 'status and output';
    is +(run('sh', '-c', 'kill -SEGV $$'))[0], 139, 'a signal';
    is +(run({ deadline => 0.2 }, 'sleep', 30))[0], 137, 'the deadline';
    is +(run('/no/such/command'))[0], 127, 'no such command';
};

subtest 'tokens' => sub {
    my $secret = join '', map { sprintf '%02x', $_ } 0x00 .. 0x1f;
    my %o = (kid => 'k', side => 'A', flags => '-', login => 1763800000, id => pack 'C*', 0xa0 .. 0xaf);
    my $token = '1.k.A.-.1763800000.oKGio6SlpqeoqaqrrK2urw._4w3Rzew7TNzNFX7p2detw';
    is make_token(secret => $secret, app => 'contact', %o), $token, 'as specified';
    is_deeply read_token($token, secret => $secret, app => 'contact'), \%o, 'and back';
    is read_token($token, secret => $secret, app => 'other'), undef, 'it is for one application';
    is read_token($token, secret => $secret =~ s/0/1/r, app => 'contact'), undef, 'and one key';
    is read_token($token =~ s/urw\./urx./r), undef, 'base64url has one form';
    is read_token($token =~ s/\.1763/.01763/r), undef, 'so has a number';
    is read_token($token . "\n"), undef, 'nothing behind it';
};

# What prove leaves behind of three files: their points, and one that dies.
subtest 'the digest of what failed' => sub {
    my $dir = temp_dir('digest');
    my @results = (['bad', 2], ['good', 0], ['dead', 1]);
    spew("$dir/state", join '', "tests:\n", map { "  t/$_->[0].t:\n    last_result: $_->[1]\n" } @results);
    spew("$dir/tap/t/good.t", "not ok 1 - # TODO some day\n1..1\n");
    spew("$dir/tap/t/bad.t", <<'TAP');
ok 1 - first
# Subtest: outer
    # Subtest: inner
        not ok 1 - deep

        #   Failed test 'deep'
        #   at t/bad.t line 7.
        #          got: '1'
        ok 2 - fine
        1..2
    not ok 1 - inner
    #   Failed test 'inner'
    1..1
not ok 2 - outer
not ok 3 - last
the switch did not become 'B'
TAP
    spew("$dir/tap/t/dead.t", "ok 1 - fine\n# kept /tmp/x\n");
    my ($exit, $said) = run(repo('.ci/digest'), "$dir/state", "$dir/tap");
    is $exit, 0, 'is made' or diag $said;
    unlike $said, qr/good|outer: last/, 'with nothing else';
    like $said, qr{^t/bad\.t: outer: inner: deep\n      at t/bad\.t line 7\.\n +got: '1'\nt/bad\.t: last\n    the switch}m,
        'what was said';
    like $said, qr{^t/dead\.t: .*\n    ok 1 - fine\n    # kept}m, 'the last lines of one that died';
    like $said, qr{\nFailed:\n    t/bad\.t: outer: inner: deep\n    t/bad\.t: last\n    t/dead\.t: [^\n]+\n\z}, 'and at the end the names';
};

done_testing;
