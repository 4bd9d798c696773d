# SPDX-License-Identifier: Apache-2.0
# A browser's cookies for one host, after RFC 6265: the longest matching path first, then the older; gone when
# expired. Domain is not looked at.
#
#     $jar->store('/contact', $response);
#     my $header = $jar->header('/contact/A/x');       # 'a=1; b=2', undef if none

package ABSwitch::CookieJar;
use v5.36;

sub new ($class) {
    return bless { cookies => [] }, $class;
}

# What a response to a request for this path sets; a Secure one only over https.
sub store ($self, $path, $response, $secure = 0) {
    for my $cookie ($response->cookies) {
        $self->put(%$cookie, path => _path($cookie->{path}, $path)) if $secure || !$cookie->{secure};
    }
    return;
}

# name, value, path, and ends (Unix time; before now removes it), samesite
sub put ($self, %cookie) {
    my $cookies = $self->{cookies};
    my ($old) = grep { $_->{name} eq $cookie{name} && $_->{path} eq $cookie{path} } @$cookies;
    if (defined $cookie{ends} && $cookie{ends} <= time) {
        @$cookies = grep { !$old || $_ != $old } @$cookies;
    }
    elsif ($old) {
        %$old = %cookie;
    }
    else {
        push @$cookies, \%cookie;
    }
    return;
}

# All that a request for this path carries; without the SameSite=Strict ones if another site caused it.
sub matching ($self, $path, $cross_site = 0) {
    return sort { length $b->{path} <=> length $a->{path} }
        grep { !$cross_site || lc($_->{samesite} // '') ne 'strict' }
        grep { _covers($_->{path}, $path) && !(defined $_->{ends} && $_->{ends} <= time) } $self->{cookies}->@*;
}

sub header ($self, $path, $cross_site = 0) {
    my @pairs = map { defined $_->{value} ? "$_->{name}=$_->{value}" : $_->{name} }
        $self->matching($path, $cross_site);
    return @pairs ? join '; ', @pairs : undef;
}

# The value of the first cookie of that name, whatever its path.
sub value ($self, $name) {
    my ($cookie) = grep { $_->{name} eq $name } $self->{cookies}->@*;
    return $cookie && $cookie->{value};
}

sub clear ($self) {
    $self->{cookies} = [];
    return;
}

sub _path ($said, $request_path) {
    return $said if ($said // '') =~ m{\A/};
    return $request_path =~ s/\?.*//sr =~ m{\A(/.*)/}s ? $1 : '/';
}

sub _covers ($cookie_path, $path) {
    $path =~ s/\?.*//s;
    return $path eq $cookie_path || $path =~ m{\A\Q$cookie_path\E(?:(?<=/)|/)}s;
}

1;
