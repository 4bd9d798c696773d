# SPDX-License-Identifier: Apache-2.0
# Several httpds that are one: each an ABSwitch::Site with a name of its own, all with one key and one memcached.
#
#     my $store = ABSwitch::Memcached->new->start;
#     my $cluster = ABSwitch::Cluster->new(store => $store, nodes => 3)->start;
#     my $anna = $cluster->browser;                    # every request to the next node, as behind a balancer
#     $anna->type_in('/contact');
#     $cluster->flip('B');                             # the key, and waits until every node has it
#     is_deeply [$cluster->each_side('A', 'sessions')], [1, 1, 1];
#     $cluster->node(0)->kill_all;
#
# A node that does not run is passed over, as a balancer does.

package ABSwitch::Cluster;
use v5.36;
use Carp qw(croak);
use Exporter qw(import);
use Test::More ();
use Time::HiRes qw(time);
use ABSwitch::Browser;
use ABSwitch::Host qw(free_port);
use ABSwitch::Memcached;
use ABSwitch::Site;
use ABSwitch::Token;
use ABSwitch::Wait qw(poll);

our @EXPORT_OK = qw(SOON cluster);

# Seconds: room for many syncs of 200 ms.
use constant SOON => 5;

# What a memcached that is well may take on a busy machine, where the default of 200 ms is not always enough.
use constant PATIENT => "ABSwitchStoreTimeout 5s\n";

# One that runs, with a memcached of its own if none is given, and patient with it.
sub cluster (%o) {
    $o{server} = PATIENT . ($o{server} // '');
    return __PACKAGE__->new(store => $o{store} // ABSwitch::Memcached->new->start, %o)->start;
}

# store       an ABSwitch::Memcached, or several that are mirrors; or store_at: what to write into ABSwitchStore
# nodes       how many (3)
# sync        ABSwitchSync (200ms)
# app, conf, server, sides, mpm, log_level    of every node, as for ABSwitch::Site
# node        a function from a node's number to more arguments for it
sub new ($class, %o) {
    my $self = bless { nodes => 3, sync => '200ms', app => '', conf => '', server => '', next => 0, %o }, $class;
    my @stores = ref $self->{store} eq 'ARRAY' ? $self->{store}->@* : $self->{store} // ();
    $self->{stores} = \@stores;
    $self->{store_at} //= 'memcache:' . join ',', map { $_->address } @stores;
    $self->{sites} = [map { $self->_site($_) } 1 .. $self->{nodes}];
    return $self;
}

sub _site ($self, $number) {
    my %more = $self->{node} ? $self->{node}->($number) : ();
    my $store = delete $more{store_at} // $self->{store_at};
    my $server = join "\n", "ABSwitchStore $store", 'ABSwitchNode ' . (delete $more{called} // "web$number"),
        "ABSwitchSync $self->{sync}", $self->{server}, delete $more{server} // ();
    $server .= "\nABSwitchSessions 4096" if $server !~ /ABSwitchSessions/;
    return ABSwitch::Cluster::Node->new(
        name => "web$number", server => $server, app => $self->{app},
        (map { exists $self->{$_} ? ($_ => $self->{$_}) : () } qw(sides mpm log_level modules)),
        %more, conf => join "\n", _small(), $self->{conf}, $more{conf} // '', '');
}

# One child, as small as it gets: there may be many of us.
sub _small () {
    return <<'CONF';
<IfModule !mpm_prefork_module>
    StartServers 1
    ThreadsPerChild 6
    MinSpareThreads 1
    MaxSpareThreads 6
    MaxRequestWorkers 6
</IfModule>
<IfModule mpm_prefork_module>
    StartServers 1
    MinSpareServers 1
    MaxSpareServers 2
    MaxRequestWorkers 8
</IfModule>
MaxKeepAliveRequests 0
KeepAliveTimeout 60
CONF
}

sub nodes ($self)      { return $self->{sites}->@* }
sub node ($self, $i)   { return $self->{sites}[$i] }
sub store ($self)      { return $self->{stores}[0] }
sub names ($self)      { return map { $_->name } $self->nodes }
sub running ($self)    { return grep { $_->pid } $self->nodes }

# --- life -----------------------------------------------------------------------------------------------

sub start ($self) {
    $_->start for grep { !$_->pid } $self->nodes;
    return $self;
}

# All at once: each takes a while to end.
sub stop ($self) {
    my @running = grep { $_->is_running } $self->nodes;
    kill 'TERM', map { $_->pid } @running;
    for my $site (@running) {
        poll(15, sub { !$site->is_running }) || $site->stop;
    }
    return $self;
}

sub expect_log ($self, @patterns) {
    $_->expect_log(@patterns) for $self->nodes;
    return;
}

# A test point for all nodes.
sub logs_are_clean ($self, $name = 'the error logs are clean') {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @odd = map { my $site = $_; map { $site->name . ": $_" } $site->{log}->news } $self->nodes;
    return Test::More::ok(!@odd, $name) || Test::More::diag(join "\n", @odd);
}

# --- users ----------------------------------------------------------------------------------------------

# What a balancer without affinity is: each request goes to the next node that runs.
sub balancer ($self) {
    return ABSwitch::Cluster::Balancer->new($self);
}

use constant PUBLIC => 'app.example';

# Somebody with a browser behind that balancer. Their Host is the public one, whichever node answers.
sub browser ($self, %o) {
    my $browser = ABSwitch::Browser->new(port => $self->node(0)->port, origin => 'http://' . PUBLIC, %o);
    $browser->{client} = $self->balancer;
    return $browser;
}

sub token ($self, %o) {
    return make_token(secret => ABSwitch::Site::SECRET, app => 'contact', side => 'A', login => int(time) - 5, %o);
}

# A click of somebody with a token.
sub click ($self, $client, $token, $path = '/contact/A/') {
    return $client->request('GET', $path, headers => [Accept => 'text/html', Cookie => "abswitch_contact=$token"]);
}

# --- what they say --------------------------------------------------------------------------------------

# The status page of one node, whole.
sub whole ($self, $i = 0) {
    my $response = $self->node($i)->client->get('/abswitch-status?format=json');
    croak 'the status page says ' . $response->status . ' ' . $response->reason if $response->status != 200;
    return $response->json;
}

# A field of a side as every running node says it, in their order.
sub each_side ($self, $side, $field) {
    return map { $_->side($side)->{$field} } $self->running;
}

# A node (by name) as node $i sees it.
sub peer ($self, $i, $name) {
    return (grep { $_->{node} eq $name } $self->node($i)->status->{nodes}->@*)[0];
}

# Where each running node sends newcomers.
sub lands ($self) {
    return map { $_->client->get('/contact', Accept => 'text/html')->location } $self->running;
}

# True when every running node says that. undef is a value, too.
sub all_say ($self, $side, $field, $value) {
    return !grep { !_same($_, $value) } $self->each_side($side, $field);
}

sub _same ($is, $wanted) {
    return !defined $is if !defined $wanted;
    return defined $is && (ref $wanted eq 'Regexp' ? $is =~ $wanted : $is eq $wanted);
}

# A test point: every running node comes to say so of the side within that many seconds. Returns how long it took.
sub comes_to ($self, $name, $seconds, $side, %expect) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $start = time;
    my @wrong;
    my $done = poll($seconds, sub {
        @wrong = ();
        for my $site ($self->running) {
            my $is = $site->side($side);
            push @wrong, map { $site->name . ": $_ " . ($is->{$_} // 'null') . " ($is->{reason})" }
                grep { !_same($is->{$_}, $expect{$_}) } sort keys %expect;
        }
        return !@wrong;
    });
    Test::More::ok($done, $name) || Test::More::diag('not within ', $seconds * ABSwitch::Wait::PATIENCE, ' s: ', join '; ', @wrong);
    return time - $start;
}

# --- the switch -----------------------------------------------------------------------------------------

sub key ($self, $what) { return "abswitch:contact:$what" }

# The nodes that count, as the store has them.
sub roster ($self) {
    return sort grep { !/=/ } split ' ', $self->store->get($self->key('nodes')) // '';
}

# Writes the key as any memcached client does, without waiting.
sub write_switch ($self, $value) {
    for my $store ($self->{stores}->@*) {
        $store->set($self->key('switch'), $value) || croak 'memcached refuses the switch';
    }
    return;
}

sub generations ($self) {
    return map { $_->status->{switch}{generation} } $self->running;
}

# The same for a value that changes something; returns when every running node has it.
sub flip ($self, $value, $seconds = 10) {
    my ($before) = sort { $b <=> $a } $self->generations;
    $self->write_switch($value);
    return poll($seconds, sub { !grep { $_ <= $before } $self->generations })
        || croak "the switch did not become '$value' in time";
}

sub DESTROY ($self) {
    local $@;
    $self->stop;
    return;
}

# --- a node: a site that may have another address ---------------------------------------------------------

package ABSwitch::Cluster::Node;
use v5.36;
use parent -norequire, 'ABSwitch::Site';

# host: the address it is reached at, if not the loopback one
sub client ($self, %o) {
    return $self->SUPER::client(($self->{host} ? (host => $self->{host}) : ()), %o);
}

# A line of its text status: "trouble" or "ignored", values that could not be taken.
sub mark ($self, $what) {
    return $self->client->get('/abswitch-status?format=text')->body =~ /^contact\.\Q$what\E: (.*)/m ? $1 : 'no such line';
}

sub conf_before ($self) {
    my $listen = $self->{host} ? "Listen $self->{host}:$self->{port}\n" : '';
    return $listen . $self->SUPER::conf_before;
}

# --- the balancer -----------------------------------------------------------------------------------------

package ABSwitch::Cluster::Balancer;
use v5.36;
use Scalar::Util qw(weaken);

# The calls of ABSwitch::Client that a browser uses, on kept connections.
sub new ($class, $cluster) {
    my $self = bless { cluster => $cluster, next => $cluster->{next}++, connection => {}, tried => 0 }, $class;
    weaken($self->{cluster});
    return $self;
}

# The node that answers next; others can ask who it was.
sub node ($self) { return $self->{node} }

sub request ($self, $method, $path, %o) {
    my $response;
    for my $attempt (1 .. 2 * $self->{cluster}->nodes) {
        my $site = ($self->{cluster}->nodes)[$self->{next}++ % $self->{cluster}->nodes];
        next if !$site->pid;
        $self->{node} = $site;
        $response = $self->_ask($site, $method, $path, %o);
        last if $response->status || ($response->reason !~ /\Ano connection|before the head/ && $method ne 'GET');
    }
    return $response;
}

sub get ($self, $path, @headers) {
    return $self->request('GET', $path, headers => \@headers);
}

# A kept connection may have been closed while nobody used it: once more, then, as balancers do.
sub _ask ($self, $site, $method, $path, %o) {
    my $name = $site->name;
    for my $attempt (1, 2) {
        my $kept = $self->{connection}{$name};
        my $fresh = !$kept || $kept->{pid} != $site->pid;
        $kept = $self->{connection}{$name} = {
            pid => $site->pid, client => $site->client(host_header => ABSwitch::Cluster::PUBLIC())->connection,
        } if $fresh;
        my $response = $kept->{client}->request($method, $path, %o);
        my $ends = !$response->status || lc($response->header('Connection') // '') eq 'close';
        if ($ends) {
            $kept->{client}->close;
            delete $self->{connection}{$name};
        }
        return $response if $fresh || $response->status;
    }
}

sub close ($self) {    ## no critic (ProhibitBuiltinHomonyms)
    $_->{client}->close for values $self->{connection}->%*;
    $self->{connection} = {};
    return;
}

1;
