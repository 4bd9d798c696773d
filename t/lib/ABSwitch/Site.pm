# SPDX-License-Identifier: Apache-2.0
# A httpd with mod_abswitch and the application `contact`: launchpad /contact, sides A and B below it, the status
# page at /abswitch-status, syncs of 100 ms and a key that the tests know.
#
#     use ABSwitch::Site;
#     my $site = ABSwitch::Site->new(mpm => 'worker', app => 'ABSwitchLogout /logout')->start;
#     my $anna = $site->browser;
#     $anna->type_in('/contact');
#     is $anna->follow->header('X-Verdict'), 'enter';
#     $site->flip('B');
#     is $site->side('A')->{sessions}, 1;
#
# Every answer says its verdict and side in X-Verdict and X-Side. Each side has index.html and env.shtml, which
# prints the request's environment.

package ABSwitch::Site;
use v5.36;
use parent 'ABSwitch::Httpd';
use Carp qw(croak);
use ABSwitch::Token;
use ABSwitch::Wait qw(poll);

use constant SECRET => join '', map { sprintf '%02x', $_ } 0 .. 31;

# Besides ABSwitch::Httpd's: app (directives in the block), sides ([qw(A B)]), launchpad (arguments of the
# directive: '/contact'), server (server-wide directives of this module: 'ABSwitchSync 100ms')
sub new ($class, %o) {
    my $self = $class->SUPER::new(
        name => 'site', app => '', sides => [qw(A B)], launchpad => '/contact', server => 'ABSwitchSync 100ms', %o);
    $self->write('conf/secret', 'k ' . SECRET . "\n", 0600);
    for my $side ($self->{sides}->@*) {
        $self->write("htdocs/contact/$side/index.html", "<!doctype html><title>$side</title><h1>side $side</h1>\n");
        $self->write("htdocs/contact/$side/env.shtml", "<!--#printenv -->");
    }
    return $self;
}

sub conf_before ($self) {
    my $sides = join "\n", map { "    ABSwitchSide $_ /contact/$_" } $self->{sides}->@*;
    return <<"CONF";
ABSwitchSecretFile \${ROOT}/conf/secret
$self->{server}
<ABSwitch contact>
    ABSwitchLaunchpad $self->{launchpad}
$sides
$self->{app}
</ABSwitch>
<Location /abswitch-status>
    SetHandler abswitch-status
</Location>
Header always set X-Verdict %{ABSWITCH_VERDICT}e env=ABSWITCH_VERDICT
Header always set X-Verdict %{REDIRECT_ABSWITCH_VERDICT}e env=REDIRECT_ABSWITCH_VERDICT
Header always set X-Side %{ABSWITCH_SIDE}e env=ABSWITCH_SIDE
Header always set X-Side %{REDIRECT_ABSWITCH_SIDE}e env=REDIRECT_ABSWITCH_SIDE
CONF
}

# A token of this site's key: side, and login, id, kid, flags if you like.
sub token ($self, %o) {
    return make_token(secret => SECRET, app => 'contact', %o);
}

# The application's part of the status page, as data.
sub status ($self, $app = 'contact') {
    my $response = $self->client->get("/abswitch-status?format=json&app=$app");
    croak 'the status page says ' . $response->status . ' ' . $response->reason if $response->status != 200;
    return $response->json->{apps}[0];
}

sub side ($self, $name, $app = 'contact') {
    return (grep { $_->{side} eq $name } $self->status($app)->{sides}->@*)[0];
}

# Writes the switch as an operator does, a bare value or a record, without waiting for it to be taken up.
sub write_switch ($self, $value, $app = 'contact') {
    return $self->write("run/abswitch/$app.switch", "$value\n");
}

# The same for a value that changes something, and returns when it is in force: the generation has risen.
sub flip ($self, $value, $app = 'contact') {
    my $before = $self->status($app)->{switch}{generation};
    $self->write_switch($value, $app);
    return poll(10, sub { $self->status($app)->{switch}{generation} > $before })
        || croak "the switch did not become '$value' in time";
}

1;
