# SPDX-License-Identifier: Apache-2.0
# Several servers that could do the module's work, side by side, and load for each of them in turn.
#
#     my $contenders = ABSwitch::Contenders->new;
#     my $m = $contenders->load('abswitch', 'pass', 3);      # { cpu => µs a request, rate => requests a second }
#     $contenders->stop;

package ABSwitch::Contenders;
use v5.36;
use Carp qw(croak);
use List::Util qw(sum0);
use POSIX ();
use ABSwitch::Client;
use ABSwitch::Cost;
use ABSwitch::Host qw(free_port repo run slurp spew which);
use ABSwitch::Site;
use ABSwitch::TempDir;
use ABSwitch::Token;
use ABSwitch::Wait qw(poll);

my %TITLE = (
    bare     => 'bare httpd',
    again    => 'a second bare httpd (the noise)',
    abswitch => 'httpd with mod_abswitch',
    rewrite  => 'httpd with mod_rewrite, a cookie and no counts',
    haproxy  => 'HAProxy with cookie persistence, before bare httpd',
    nginx    => 'nginx with a cookie map, before bare httpd',
);
my @NAMES = qw(bare again abswitch rewrite haproxy nginx);

# Who comes without the cookie gets one, for the side of the path, or at the launchpad for the current one; who has
# one and comes from outside to another side is sent to his own. It counts nobody, so it cannot say when a side is
# empty; it signs nothing, and knows no times.
use constant REWRITE => <<'CONF';
RewriteEngine On
RewriteCond %{HTTP_COOKIE} (?:^|;\s*)contact_side=([AB])(?:;|$)
RewriteRule ^/contact/?$ /contact/%1/ [R=302,L]
RewriteRule ^/contact/?$ /contact/A/ [R=302,L,CO=contact_side:A:127.0.0.1:0:/contact]
RewriteCond %{HTTP_COOKIE} !(?:^|;\s*)contact_side=[AB](?:;|$)
RewriteRule ^/contact/([AB])(?:/|$) - [L,CO=contact_side:$1:127.0.0.1:0:/contact]
RewriteCond %{HTTP_REFERER} !^https?://127\.0\.0\.1(?::\d+)?/contact/[AB]/
RewriteCond %{HTTP_COOKIE} (?:^|;\s*)contact_side=([AB])(?:;|$)
RewriteCond $1%1 ^(?:AB|BA)$
RewriteCond %{HTTP_COOKIE} (?:^|;\s*)contact_side=([AB])(?:;|$)
RewriteRule ^/contact/([AB])(/.*)?$ /contact/%1$2 [R=302,L]
CONF

use constant REDIRECT => <<'CONF';
RewriteEngine On
RewriteRule ^/contact$ /contact/A/ [R=302,L]
CONF

# The same processes from the first request to the last.
use constant PROCESSES => <<'CONF';
MaxKeepAliveRequests 0
StartServers 2
MinSpareThreads 1
MaxSpareThreads 64
MaxRequestWorkers 32
CONF

use constant APPLICATION => <<'CONF';
ABSwitchSecretFile ${ROOT}/conf/secret
<ABSwitch contact>
    ABSwitchLaunchpad /contact
    ABSwitchSide A /contact/A
    ABSwitchSide B /contact/B
</ABSwitch>
CONF

sub title ($class, $name) { return $TITLE{$name} }
sub names ($self)         { return @NAMES }

# What ABSwitch::Httpd or ABSwitch::Cost needs for one of them.
sub httpd_options ($class, $name) {
    my $conf = $name eq 'abswitch' ? APPLICATION : $name eq 'rewrite' ? REWRITE : $name eq 'redirect' ? REDIRECT : '';
    return (module => $name eq 'abswitch', conf => $conf, setup => sub ($server) {
        $server->write('conf/secret', 'k ' . ABSwitch::Site::SECRET . "\n", 0600);
        $server->write("htdocs/$_/index.html", "<!doctype html><title>A</title><h1>side A</h1>\n")
            for qw(contact/A contact/B outside contactus);
        $server->write('run/abswitch/contact.switch', 'A=1 B=0 gen=7 at=' . time . ' by=test since=B:' . time . "\n")
            if $server->{module};
    });
}

# The headers of somebody who has been here before: the contender's own cookie beside the application's.
sub headers ($class, $name) {
    state $now = time;
    my $cookie = $name eq 'abswitch'
        ? 'abswitch_contact=' . make_token(secret => ABSwitch::Site::SECRET, app => 'contact', side => 'A',
            login => $now, id => 'sixteen bytes id')
        : 'contact_side=A';
    return (Cookie => "JSESSIONID=0123456789ABCDEF; $cookie", Referer => 'http://127.0.0.1/contact/A/');
}

sub new ($class) {
    my $self = bless { dir => temp_dir('bench'), owner => $$ }, $class;
    for my $name (qw(bare again abswitch rewrite redirect)) {
        my %o = $class->httpd_options($name);
        my $server = $self->{httpd}{$name} = ABSwitch::Httpd->new(
            %o{qw(module)}, name => "bench-$name", log_level => 'notice', log_format => '%h %l %u %t \"%r\" %>s %b',
            conf => PROCESSES . $o{conf});
        $o{setup}->($server);
        $server->start;
        $self->{port}{$name} = $server->port;
    }
    $self->_start_haproxy;
    $self->_start_nginx;
    for my $name (@NAMES) {
        my $client = ABSwitch::Client->new(port => $self->{port}{$name});
        my $status = $client->get('/contact/A/', $self->headers($name))->status;
        croak "$name answers $status" if $status != 200;
    }
    return $self;
}

sub stop ($self) {
    for my $pid (values %{ delete $self->{pid} // {} }) {
        kill 'TERM', $pid;
        poll(10, sub { waitpid($pid, POSIX::WNOHANG) != 0 }) or kill 'KILL', $pid;
    }
    $_->expect_log(qr/AH\d+/), $_->stop for values %{ delete $self->{httpd} // {} };
    return;
}

sub DESTROY ($self) {
    return $self->stop if $self->{owner} == $$;
}

# Seconds of load of one kind: 'pass' with the headers of somebody who has been here, 'launchpad' of somebody new.
sub load ($self, $name, $kind, $seconds) {
    my %header = (ABSwitch::Cost::CHROMIUM(), $kind eq 'pass' ? $self->headers($name) : ());
    delete $header{Connection};
    my $path = $kind eq 'pass' ? '/contact/A/index.html' : '/contact';
    my @pids = $self->_pids($name);
    my $before = _cpu(@pids);
    my ($exit, $output) = run({ deadline => 60 }, 'wrk', '-t1', '-c16', "-d${seconds}s",
        (map { ('-H', "$_: $header{$_}") } sort keys %header), "http://127.0.0.1:$self->{port}{$name}$path");
    my ($n, $time) = $output =~ /^\s*(\d+) requests in ([\d.]+)s/m or croak "wrk: $output";
    my $errors = sum0 $output =~ /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/,
        $output =~ /Non-2xx or 3xx responses: (\d+)/;
    croak "$name: $output" if $errors > $n / 1000;    # a proxy may ask its server on a connection that ends just then
    return { cpu => (_cpu(@pids) - $before) / $n / 1000, rate => $n / $time };
}

# Which cores a contender may use.
sub pin ($self, $name, $cores) {
    run('taskset', '-apc', $cores, $_) for $self->_pids($name);
    return;
}

# --- inside ---------------------------------------------------------------------------------------------

# The processes that work for a contender; a proxy's server behind it is among them.
sub _pids ($self, $name) {
    my @roots = $self->{pid}{$name} ? ($self->{pid}{$name}, $self->{httpd}{bare}->pid) : $self->{httpd}{$name}->pid;
    my %is_root = map { $_ => 1 } @roots;
    my @children;
    for my $file (glob '/proc/[0-9]*/stat') {
        open my $stat, '<', $file or next;
        my ($pid, $parent) = (<$stat> // '') =~ /\A(\d+) \(.*\) \w (\d+)/ or next;
        push @children, $pid if $is_root{$parent};
    }
    return @roots, @children;
}

# Nanoseconds that all their threads have run.
sub _cpu (@pids) {
    my $sum = 0;
    for my $file (map { glob "/proc/$_/task/*/schedstat" } @pids) {
        open my $stat, '<', $file or next;
        $sum += (split ' ', <$stat> // '0')[0];
    }
    return $sum;
}

sub _start ($self, $name, @command) {
    my $pid = fork // croak "fork: $!";
    if (!$pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/$name.log";
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec { $command[0] } @command; }
        POSIX::_exit(127);
    }
    $self->{pid}{$name} = $pid;
    my $client = ABSwitch::Client->new(port => $self->{port}{$name}, deadline => 2);
    poll(10, sub { $client->get('/contact/A/')->status == 200 })
        or croak "$name does not answer: " . slurp("$self->{dir}/$name.log");
    return;
}

sub _start_haproxy ($self) {
    my $port = $self->{port}{haproxy} = free_port();
    my $conf = spew("$self->{dir}/haproxy.cfg", <<"CONF");
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
frontend front
    bind 127.0.0.1:$port
    default_backend sides
backend sides
    cookie contact_side insert indirect nocache
    server A 127.0.0.1:$self->{port}{bare} cookie A
    server B 127.0.0.1:$self->{port}{bare} cookie B
CONF
    return $self->_start('haproxy', which('haproxy') // croak('there is no haproxy'), '-db', '-f', $conf);
}

sub _start_nginx ($self) {
    my $port = $self->{port}{nginx} = free_port();
    my $user = ABSwitch::HttpdConf::user() // '';
    my $conf = spew("$self->{dir}/nginx.conf", <<"CONF");
daemon off;
@{[ $user ? "user $user;" : '' ]}
worker_processes auto;
pid $self->{dir}/nginx.pid;
error_log $self->{dir}/nginx.error;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path $self->{dir}/body;
    proxy_temp_path $self->{dir}/proxy;
    fastcgi_temp_path $self->{dir}/fastcgi;
    uwsgi_temp_path $self->{dir}/uwsgi;
    scgi_temp_path $self->{dir}/scgi;
    keepalive_requests 100000000;
    map \$cookie_contact_side \$side { default side_a; A side_a; B side_b; }
    upstream side_a { server 127.0.0.1:$self->{port}{bare}; keepalive 32; keepalive_requests 100000000; }
    upstream side_b { server 127.0.0.1:$self->{port}{bare}; keepalive 32; keepalive_requests 100000000; }
    server {
        listen 127.0.0.1:$port;
        location / {
            proxy_pass http://\$side;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
    }
}
CONF
    return $self->_start('nginx', which('nginx') // croak('there is no nginx'), '-p', $self->{dir}, '-c', $conf);
}

1;
