# SPDX-License-Identifier: Apache-2.0
# Somebody at the manager of a site: orders by form, as a script gives them; and the sections that a manager needs.
#
#     my $site = ABSwitch::Site->new(conf => ABSwitch::Manager::OPEN);                # /abswitch-manager
#     $site = ABSwitch::Site->new(ABSwitch::Manager->private($conf));                 # and /private, with a login
#     ABSwitch::Manager->users($site, 'alice');                                       # whose password is "password"
#     my $ann = ABSwitch::Manager->new($site);
#     my $r = $ann->order(action => 'flip', side => 'B');      # with the present generation and a key of its own
#     is_deeply $r->json, { ok => JSON::PP::true, generation => 1 };
#     $r = $ann->send('app=contact&...', Origin => 'null');    # exactly this
#     $ann->form(action => 'flip', side => 'B', note => undef);

package ABSwitch::Manager;
use v5.36;

use constant OPEN => <<'CONF';
<Location /abswitch-manager>
    SetHandler abswitch-manager
    Require local
</Location>
CONF

# What ABSwitch::Site takes for both, and for more directives.
sub private ($class, $more = '') {
    return (modules => [qw(auth_basic authn_core authn_file authz_user)], conf => OPEN . <<'CONF' . $more);
<Location /private>
    SetHandler abswitch-manager
    AuthType Basic
    AuthName x
    AuthUserFile ${ROOT}/conf/users
    Require valid-user
</Location>
CONF
}

sub users ($class, $site, @names) {
    return $site->write('conf/users', join '', map { "$_:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n" } @names);
}

# path (/abswitch-manager), app (contact), headers: of every request
sub new ($class, $site, %o) {
    return bless { site => $site, path => '/abswitch-manager', app => 'contact', headers => [], %o }, $class;
}

sub client ($self) { return $self->{site}->client }

# The manager's JSON.
sub look ($self) {
    return $self->client->get("$self->{path}?format=json&app=$self->{app}", $self->{headers}->@*)->json;
}

sub generation ($self) { return $self->look->{apps}[0]{switch}{generation} }
sub key ($self)        { return $self->look->{csrf} }

# The body of a form; what is not given is right, what is undef is left out.
sub form ($self, %fields) {
    my $whole = exists $fields{generation} && exists $fields{token} ? undef : $self->look;
    $fields{app} = $self->{app} if !exists $fields{app};
    $fields{generation} = $whole->{apps}[0]{switch}{generation} if !exists $fields{generation};
    $fields{token} = $whole->{csrf} if !exists $fields{token};
    return join '&', map { "$_=" . _encoded($fields{$_}) } grep { defined $fields{$_} } sort keys %fields;
}

sub send ($self, $body, @headers) {    ## no critic (ProhibitBuiltinHomonyms)
    my %said = map { lc $_ => 1 } @headers[grep { $_ % 2 == 0 } 0 .. $#headers];
    unshift @headers, Accept => 'application/json' if !$said{accept};
    return $self->client->post($self->{path}, $body, @headers, $self->{headers}->@*);
}

sub order ($self, %fields) {
    return $self->send($self->form(%fields));
}

sub _encoded ($text) {
    utf8::encode($text) if utf8::is_utf8($text);
    return $text =~ s/([^A-Za-z0-9._~-])/$1 eq ' ' ? '+' : sprintf '%%%02X', ord $1/ger;
}

1;
