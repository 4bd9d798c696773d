#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# abswitchctl and servers that are none, or not the right one: whatever they send, one clear sentence and an exit
# status, nothing on the terminal that they put there, and an end.

use v5.36;
use IO::Select;
use JSON::PP;
use Test::More;
use ABSwitch::Ctl;
use ABSwitch::FakeServer;
use ABSwitch::Host qw(free_port run slurp spew which);
use ABSwitch::Httpd;
use ABSwitch::Network;
use ABSwitch::Site;
use ABSwitch::TempDir;

# Where port 53 is the test's own.
ABSwitch::Network->enter;

my $site = ABSwitch::Site->new(
    modules => [qw(ssl socache_shmcb)],
    conf => <<'CONF',
SSLSessionCache shmcb:${ROOT}/run/ssl(65536)
<Location /abswitch-manager>
    SetHandler abswitch-manager
    Require local
</Location>
CONF
);

# A manager's good answer, to be spoilt.
$site->start;
my $good = $site->client->get('/abswitch-manager?format=json')->body;
my $data = decode_json($good);

sub http (@args) { return ABSwitch::FakeServer::http(@args) }

# A good answer with something else in one place: a path of names, and the value.
sub spoilt ($value, @path) {
    my $copy = decode_json($good);
    my $last = pop @path;
    my $at = $copy;
    $at = ref $at eq 'ARRAY' ? $at->[$_] : $at->{$_} for @path;
    ref $at eq 'ARRAY' ? ($at->[$last] = $value) : ($at->{$last} = $value);
    return http(encode_json($copy));
}

# Several answers by one server: the path says which.
my %answer = (
    closed      => '',
    reset       => "HTTP/1.1 200 OK\r\n",
    garbage     => join('', map { chr } 0 .. 255) x 20,
    ssh         => "SSH-2.0-OpenSSH_9.2\r\n",
    redis       => "-ERR unknown command\r\n",
    old         => "<html>HTTP/0.9</html>\n",
    html404     => http('<h1>Not Found</h1>', 'text/html', '404 Not Found'),
    html200     => http('<h1>It works!</h1>', 'text/html'),
    notype      => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    error500    => http('<h1>Error</h1>', 'text/html', '500 Internal Server Error'),
    error503    => http('<h1>Busy</h1>', 'text/html', "503 \e[31mBusy"),
    empty       => http(''),
    object      => http('{}'),
    list        => http('[]'),
    null        => http('null'),
    other       => http('{"status": "ok", "version": 7}'),
    truncated   => http(substr $good, 0, length($good) / 2),
    cut         => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n$good",
    badchunk    => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    deep        => http('[' x 100_000),
    deepobject  => http('{"a":' x 100_000),
    nul         => http("{\"schema\": 1\0}"),
    latin1      => http("{\"node\": \"\xe4\"}"),
    schema      => spoilt(2, 'schema'),
    sessions    => spoilt('many', qw(apps 0 sides 0 sessions)),
    negative    => spoilt(-1, qw(apps 0 sides 0 sessions)),
    sides       => spoilt('A', qw(apps 0 sides)),
    state       => spoilt('ajar', qw(apps 0 sides 0 state)),
    app         => spoilt([], qw(apps 0)),
    header      => "HTTP/1.1 200 OK\r\nContent-Type: text/\e]0;evil\a\x9b\r\nContent-Length: 0\r\n\r\n",
    huge        => undef,       # below
    told        => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{",
    moved       => "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\e[2Jx?a=b&format=json&app=contact\r\nContent-Length: 0\r\n\r\n",
    loop        => "HTTP/1.1 301 Moved Permanently\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
    continue    => "HTTP/1.1 100 Continue\r\n\r\n" x 1000,
);
my $server = ABSwitch::FakeServer->new(sub ($request) {
    my ($name) = $request =~ m{\A\w+ /(\w+)};
    return if $name eq 'hang';
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
    return [$head, map { '{"a": [' } 1 .. 600] if $name eq 'slow';
    return "$head\[" . ('[],' x (7 << 20)) if $name eq 'huge';
    return $answer{$name};
});

sub ctl ($path) { return ABSwitch::Ctl->new(url => $server->url("/$path")) }

# One sentence, with nothing in it that a terminal would do.
my $SENTENCE = qr/\Aabswitchctl: [ -~]+\n\z/;

subtest 'answers that are none' => sub {
    for my $name (sort keys %answer) {
        ends ctl($name)->run('status'), 4, err => $SENTENCE, $name;
    }
    for my $name (qw(closed garbage html404 html200 truncated sessions loop huge)) {
        ends ctl($name)->run('flip', 'contact', 'B'), 4, err => $SENTENCE, "flip: $name";
        ends ctl($name)->run('wait', 'contact', 'A'), 4, err => $SENTENCE, "wait: $name";
        ends ctl($name)->run('watch', 'contact'), 4, err => $SENTENCE, "watch: $name";
        ends ctl($name)->run('check', 'contact'), 3, out => qr/\AABSWITCH UNKNOWN - [ -~]+\n\z/, "check: $name";
    }
};

subtest 'what is said of them' => sub {
    my @rows = (
        [html404 => qr/there is no manager at \S+ \(404\)/],
        [html200 => qr/does not answer as a manager does \(200, text\/html\)/],
        [error503 => qr/\(503, text\/html\)/],
        [truncated => qr/does not answer as a manager does: it is not JSON: line \d+/],
        [schema => qr/"schema" is not 1/],
        [sessions => qr/"sessions" is not a whole number/],
        [state => qr/"state" is not a word/],
        [huge => qr/more than 16 MB/],
        [told => qr/more than 16 MB/],
        [moved => qr/is elsewhere \(302\): give --url https:\/\/elsewhere\.example\/\S*x\?a=b$/],
        [loop => qr/is elsewhere \(301\): give --url/],
        [ssh => qr/no answer that is HTTP/],
    );
    for my $row (@rows) {
        my ($name, $says) = @$row;
        like ctl($name)->run('status')->{err}, $says, $name;
    }
};

subtest 'answers that take too long' => sub {
    for my $name (qw(hang slow)) {
        ends ctl($name)->run('status', '--timeout', '1s'), 4, err => qr/does not answer in time/, $name;
        ends ctl($name)->run('wait', 'contact', 'A', '--timeout', '1s'), 4, err => qr/does not answer in time/,
            "wait: $name, and it never did answer";
    }
    my $p = ctl('hang')->start('wait', 'contact', 'A');
    $p->signal('INT');
    is $p->end->{exit}, 130, 'Ctrl-C ends it at once';
    # Nobody takes this connection.
    my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 0);
    ends ABSwitch::Ctl->new(url => 'http://127.0.0.1:' . free_port())->run('status'), 4, err => qr/cannot be reached/,
        'a dead port';
    ends ABSwitch::Ctl->new(url => 'http://nowhere.invalid/')->run('status', '--timeout', '5s'), 4, err => $SENTENCE,
        'a name that is none';
};

subtest 'a name server that never answers' => sub {
    plan skip_all => ABSwitch::Network->why_not if ABSwitch::Network->why_not;
    my ($major, $minor) = (run('curl-config', '--version'))[1] =~ /(\d+)\.(\d+)/;
    plan skip_all => "libcurl $major.$minor waits for its resolver" if $major * 1000 + $minor < 7087;
    my $mute = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 53, Proto => 'udp') or die "port 53: $!";
    my $dir = temp_dir('resolver');
    my $conf = spew("$dir/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n");
    my $view = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    my $ctl = ABSwitch::Ctl->new(url => 'http://www.example/',
        wrap => [which('unshare'), '--mount', 'sh', '-c', $view, $conf]);
    ends $ctl->run('status', '--timeout', '1s'), 4, err => qr/does not answer in time/, 'the time-out holds';
    my $asked = IO::Select->new($mute);
    $mute->recv(my $question, 512) while $asked->can_read(0);
    my $p = $ctl->start('wait', 'contact', 'A');
    ok $asked->can_read(10), 'the name is asked for';
    $p->signal('INT');
    is $p->end->{exit}, 130, 'and so does Ctrl-C';
};

subtest 'a change that nobody answers' => sub {
    my $mute = ABSwitch::FakeServer->new(sub ($request) { return $request =~ /\APOST/ ? '' : http($good) });
    ends ABSwitch::Ctl->new(url => $mute->url)->run('flip', 'contact', 'B'), 4,
        err => qr/; the change may have been made all the same, "abswitchctl status" tells\n/, 'may have been made';
    for my $row (['<h1>no</h1>', 'text/html', '500 Oops', 4], ['{"ok": 1}', 'application/json', '200 OK', 4],
        ['{"ok": false, "error": "a\u001b[2Jb"}', 'application/json', '409 Conflict', 1],
        ['{"ok": false}', 'application/json', '503 Service Unavailable', 1]) {
        my ($body, $type, $status, $exit) = @$row;
        my $odd = ABSwitch::FakeServer->new(sub ($request) {
            return http($request =~ /\APOST/ ? ($body, $type, $status) : $good);
        });
        ends ABSwitch::Ctl->new(url => $odd->url)->run('flip', 'contact', 'B'), $exit,
            err => $SENTENCE, "$status: $body";
    }
};

subtest 'words that would move a cursor' => sub {
    my $evil = "\x{1b}]0;x\x{7}\x{1b}[2J\x{9b}31m\x{85}\r\nabswitchctl: all is well\x{8}\x{7f} | contact_A=0";
    my $copy = decode_json($good);
    my $app = $copy->{apps}[0];
    $_->{node} = $evil for $copy, $app->{nodes}->@*;
    $app->{nodes}[0]{state} = 'silent';
    $app->{switch} = { $app->{switch}->%*, at => 1, by => $evil, note => $evil };
    my %weights = (from => { $evil => 1 }, to => { $evil => 2 });
    $app->{log} = [{ generation => 1, at => 1, by => $evil, note => $evil, %weights }];
    $app->{launchpad} = $evil;
    $app->{sides}[1] = { $app->{sides}[1]->%*, drain => 'unknown', reason => $evil, path => $evil };
    my @servers = { server => $evil, state => 'down' };
    $copy->{store} = { type => $evil, state => 'down', epoch => $evil, servers => \@servers };
    my $server = ABSwitch::FakeServer->new(sub ($request) { return http(encode_json($copy)) });
    my $ctl = ABSwitch::Ctl->new(url => $server->url);
    for my $row (['status'], ['log', 'contact'], ['status', '--json'], ['log', 'contact', '--json'],
        ['check', 'contact'],
        ['wait', 'contact', 'B', '--timeout', '0', '--fail-unknown'], ['names', 'nodes', 'contact']) {
        my $r = $ctl->run(@$row);
        unlike $r->{out} . $r->{err}, qr/[^\n -~]/, "@$row";
        unlike $r->{out} . $r->{err}, qr/^abswitchctl: all is well/m, "@$row: no line of its own";
    }
    my $r = $ctl->with(env => { NO_COLOR => 1 })->terminal('status')->end;
    unlike $r->{out}, qr/[^\n -~]/, 'on a terminal';
    $r = $ctl->terminal('wait', 'contact', 'B', '--timeout', '0')->end;
    unlike $r->{out} =~ s/\e\[K|\r//gr, qr/[^\n -~]/, 'in a progress line';
    ends $ctl->run('names', 'nodes', 'contact'), 0, 'a shell gets no word that is no name';
    like $ctl->run('check', 'contact')->{out}, qr/\A[^|]+ \| contact_A=\d+ contact_B=\d+\n\z/, 'check has one bar';

    # What is a letter in one character set is a control character in another.
    $app->{switch}{note} = "\x{db}bel";
    my $umlaut = ABSwitch::FakeServer->new(sub ($request) { return http(encode_json($copy)) });
    $r = ABSwitch::Ctl->new(url => $umlaut->url, env => { LC_ALL => 'C', NO_COLOR => 1 })->terminal('status')->end;
    unlike $r->{out}, qr/[^\n -~]/, 'nothing but ASCII for a terminal that knows no UTF-8';
};

subtest 'certificates' => sub {
    plan skip_all => 'there is no openssl' if !which('openssl');
    my $port = free_port();
    my $dir = $site->path('conf');
    my ($exit, $output) = run(qw(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost),
        '-addext', 'subjectAltName=DNS:localhost', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
    is $exit, 0, 'a certificate that nobody signed' or diag $output;
    $site->set_conf($site->{conf} . <<"CONF");
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
    SSLEngine on
    SSLCertificateFile $dir/cert.pem
    SSLCertificateKeyFile $dir/key.pem
</VirtualHost>
CONF
    $site->restart;
    my $tls = ABSwitch::Ctl->new(url => "https://localhost:$port/abswitch-manager");
    ends $tls->run('status'), 4,
        err => qr/\Aabswitchctl: the certificate of \S+ is not trusted: [ -~]+--cacert FILE[ -~]+\n\z/,
        'is not trusted';
    ends $tls->run('flip', 'contact', 'B'), 4, err => qr/not trusted/, 'for a change either';
    ends $tls->run('check', 'contact'), 3, out => qr/UNKNOWN - .*not trusted/, 'check';
    ends $tls->run('status', '--cacert', "$dir/cert.pem"), 0, out => qr/^contact/, '--cacert';
    ends $tls->run('flip', 'contact', 'B', '--cacert', "$dir/cert.pem"), 0, out => qr/^contact: generation 1;/,
        'a flip by TLS';
    ends $tls->with(url => "https://127.0.0.1:$port/abswitch-manager")->run('status', '--cacert', "$dir/cert.pem"), 4,
        err => qr/not trusted/, 'of another name';
    ends $tls->run('status', '--cacert', "$dir/key.pem"), 4, err => $SENTENCE, 'with a file that is no certificate';
    ends $tls->with(url => "http://localhost:$port/abswitch-manager")->run('status'), 4, err => $SENTENCE,
        'http where https is spoken';
    ends $tls->with(url => 'https://localhost:' . $site->port . '/abswitch-manager')->run('status'), 4,
        err => $SENTENCE, 'and the reverse';
};

$site->expect_log(qr/AH0(?:1906|1909|2032|2568|2604|1998|2033|1996|2042)|SSL Library Error/);
$site->log_is_clean;
done_testing;
