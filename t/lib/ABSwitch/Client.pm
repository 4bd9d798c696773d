# SPDX-License-Identifier: Apache-2.0
# HTTP/1.1 over a bare socket: what you say is what is sent, and nothing you did not ask for but Host,
# Content-Length and Connection.
#
#     my $client = $httpd->client;
#     my $r = $client->get('/contact/A/', Accept => 'text/html', Cookie => ['a=1', 'b=2']);
#     $r = $client->post('/contact', 'name=x');    # with an urlencoded form's Content-Type
#     $r = $client->request('BREW', '/x', headers => [Host => undef, 'X-A' => 1], body => '...');
#     $r = $client->raw("GET //\xff HTTP/1.0\r\n\r\n");
#     my $c = $client->connection;                 # keep-alive: the same calls on one connection, then $c->close

package ABSwitch::Client;
use v5.36;
use ABSwitch::Connection;

# port, host, deadline as for ABSwitch::Connection; host_header: 127.0.0.1:port
sub new ($class, %o) {
    return bless { host_header => "127.0.0.1:$o{port}", %o }, $class;
}

# The same client, but with all its requests on one connection.
sub connection ($self) {
    return bless { %$self, connection => $self->_connect }, ref $self;
}

# The ABSwitch::Connection, for those who want to send half a request.
sub open ($self) {    ## no critic (ProhibitBuiltinHomonyms)
    return $self->{connection} // $self->_connect;
}

sub close ($self) {    ## no critic (ProhibitBuiltinHomonyms)
    $self->{connection}->close if $self->{connection};
    return;
}

sub get ($self, $path, @headers) {
    return $self->request('GET', $path, headers => \@headers);
}

sub head ($self, $path, @headers) {
    return $self->request('HEAD', $path, headers => \@headers);
}

sub post ($self, $path, $form, @headers) {
    my $typed = grep { lc eq 'content-type' } @headers[grep { $_ % 2 == 0 } 0 .. $#headers];
    unshift @headers, 'Content-Type' => 'application/x-www-form-urlencoded' if !$typed;
    return $self->request('POST', $path, headers => \@headers, body => $form);
}

# headers: name, value, name, value ... in that order; a value may be a list of them; undef leaves out one that
# would be sent by default.
sub request ($self, $method, $path, %o) {
    my @headers = @{ $o{headers} // [] };
    my %said;
    for (my $i = 0; $i < @headers; $i += 2) {
        $said{ lc $headers[$i] } = 1;
    }
    $said{'content-length'} ||= $said{'transfer-encoding'} || !defined $o{body};
    $said{connection} ||= defined $self->{connection};
    unshift @headers, Host => $self->{host_header} if !$said{host};
    push @headers, 'Content-Length' => length $o{body} if !$said{'content-length'};
    push @headers, Connection => 'close' if !$said{connection};
    my $text = "$method $path HTTP/1.1\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: $_\r\n" for ref $value ? @$value : $value // ();
    }
    return $self->raw("$text\r\n" . ($o{body} // ''), $method);
}

# Sends these bytes and reads one response.
sub raw ($self, $bytes, $method = 'GET') {
    my $connection = $self->open;
    $connection->send($bytes);
    my $response = $connection->response($method);
    $connection->close if !$self->{connection};
    return $response;
}

sub _connect ($self) {
    return ABSwitch::Connection->new(map { $_ => $self->{$_} } grep { exists $self->{$_} } qw(host port deadline));
}

1;
