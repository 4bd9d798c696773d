# SPDX-License-Identifier: Apache-2.0
# One HTTP answer, as it came. An answer that did not come, or was none, has status 0 and says why in its reason.
#
#     is $r->status, 302;
#     is $r->location, '/contact/B/';              # any header: scalar $r->header('Location')
#     is_deeply [$r->header('Set-Cookie')], [];    # all of that name
#     is $r->cookie('abswitch_contact')->{path}, '/contact';

package ABSwitch::Response;
use v5.36;
use JSON::PP ();
use Time::Local qw(timegm);

# status, reason, version, headers (array of [name, value]), body, raw (all bytes that came)
sub new ($class, %o) {
    return bless { status => 0, reason => '', version => '', headers => [], body => '', raw => '', %o }, $class;
}

sub status ($self)   { return $self->{status} }
sub reason ($self)   { return $self->{reason} }
sub version ($self)  { return $self->{version} }
sub headers ($self)  { return $self->{headers} }
sub body ($self)     { return $self->{body} }
sub raw ($self)      { return $self->{raw} }
sub location ($self) { return scalar $self->header('Location') }
sub json ($self)     { return JSON::PP->new->utf8->decode($self->{body}) }

# Every value of that header; the first in scalar context.
sub header ($self, $name) {
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name } $self->{headers}->@*;
    return wantarray ? @values : $values[0];
}

sub is_redirect ($self) {
    return $self->{status} =~ /\A30[12378]\z/ && defined $self->location;
}

# The cookies that this answer sets (or expires), in order: hashes of name, value and the attributes in lower
# case; one without a value, such as httponly, is 1. `ends` is the Unix time when it expires, if it says.
sub cookies ($self) {
    return map { _cookie($_) } $self->header('Set-Cookie');
}

# The first one of that name.
sub cookie ($self, $name) {
    return (grep { $_->{name} eq $name } $self->cookies)[0];
}

sub _cookie ($text) {
    my ($pair, @attributes) = split /\s*;\s*/, $text;
    my %cookie;
    @cookie{qw(name value)} = split /=/, $pair // '', 2;
    for my $attribute (@attributes) {
        my ($name, $value) = split /=/, $attribute, 2;
        $cookie{ lc $name } = $value // 1;
    }
    if (defined $cookie{'max-age'}) {
        $cookie{ends} = time + $cookie{'max-age'};
    }
    elsif (defined $cookie{expires}) {
        $cookie{ends} = _date($cookie{expires});
    }
    return \%cookie;
}

sub _date ($text) {
    state %month = do { my $i = 0; map { $_ => $i++ } qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec) };
    my ($day, $month, $year, $h, $m, $s) = $text =~ /(\d+)[ -](\w{3})[ -](\d{4}) (\d+):(\d+):(\d+)/ or return;
    return timegm($s, $m, $h, $day, $month{$month}, $year);
}

1;
