# SPDX-License-Identifier: Apache-2.0
# Somebody with a browser: cookies, the page they are on, and the headers that Chromium sends.
#
#     my $anna = $httpd->browser;
#     $anna->type_in('/contact');                      # or a bookmark: no Referer
#     my $r = $anna->follow;                           # to the end of the redirects; $anna->redirects of them
#     $r = $anna->click('/contact/A/page.html');       # from the page they are on
#     $r = $anna->post_form('/contact/A/save', 'x=1');
#     $r = $anna->fetch('/contact/A/data.json', headers => ['X-Requested-With' => 'XMLHttpRequest']);
#     is $anna->cookie('abswitch_contact'), undef;
#
# Every request takes headers => [name => value, ...], in place of the browser's own of that name; undef leaves one
# out: a link with rel=noreferrer is click($path, headers => [Referer => undef]).

package ABSwitch::Browser;
use v5.36;
use Carp qw(croak);
use ABSwitch::Client;
use ABSwitch::CookieJar;

use constant NAVIGATE => [
    'Upgrade-Insecure-Requests' => 1,
    'Accept' => 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
    'Sec-Fetch-Mode' => 'navigate',
    'Sec-Fetch-User' => '?1',
    'Sec-Fetch-Dest' => 'document',
];
use constant FETCH => ['Accept' => '*/*', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty'];

# port; origin, if it is another than http://127.0.0.1:port; fetch_metadata => 0 for a browser that sends none,
# as Chromium over plain http to any name but loopback
sub new ($class, %o) {
    my $origin = $o{origin} // "http://127.0.0.1:$o{port}";
    return bless {
        fetch_metadata => 1, redirects => 0, %o,
        origin => $origin,
        jar => ABSwitch::CookieJar->new,
        client => ABSwitch::Client->new(port => $o{port}, host_header => $origin =~ s{.*//}{}r),
    }, $class;
}

sub jar ($self)           { return $self->{jar} }
sub cookie ($self, $name) { return $self->{jar}->value($name) }
sub page ($self)          { return $self->{page} }         # path of the page they are on
sub redirects ($self)     { return $self->{redirects} }    # that the last follow went through

sub type_in ($self, $path, %o) {
    return $self->_load(kind => NAVIGATE, path => $path, site => 'none', %o);
}

sub click ($self, $path, %o) {
    return $self->_load(kind => NAVIGATE, path => $path, site => 'same-origin', referer => $self->_referer, %o);
}

# A link on a page of somebody else's site, whose default policy tells no more than its origin.
sub click_from ($self, $foreign_origin, $path, %o) {
    return $self->_load(kind => NAVIGATE, path => $path, site => 'cross-site', referer => "$foreign_origin/", %o);
}

sub reload ($self) {
    my $last = $self->{navigation} // croak 'nothing to reload';
    return $self->_load(%$last, path => $self->{page});
}

sub post_form ($self, $path, $form, %o) {
    return $self->_load(
        kind => NAVIGATE, method => 'POST', path => $path, site => 'same-origin', referer => $self->_referer,
        origin => $self->{origin}, type => 'application/x-www-form-urlencoded', body => $form, %o);
}

# A script's request; method and body if it is not a GET.
sub fetch ($self, $path, %o) {
    my @origin = ($o{method} // 'GET') eq 'GET' ? () : (origin => $self->{origin});
    return $self->_load(
        kind => FETCH, path => $path, site => 'same-origin', referer => $self->_referer, @origin, %o);
}

# Where the last answer leads, as a browser goes there: 303, 302 and 301 turn a POST into a GET. Stops at what is
# no redirect, leads off the site, or is the eleventh in a row.
sub follow ($self) {
    $self->{redirects} = 0;
    while ($self->{response}->is_redirect && $self->{redirects} < 10) {
        my $path = $self->_resolve($self->{response}->location) // last;
        my %next = ($self->{request}->%*, path => $path);
        delete @next{qw(method body type origin)} if $self->{response}->status !~ /\A30[78]\z/;
        $self->{redirects}++;
        $self->_load(%next);
    }
    return $self->{response};
}

# kind, path, site, and if there are: method, body, type, origin, referer, headers
sub _load ($self, %request) {
    my $cross_site = $request{site} eq 'cross-site';
    my %own = (
        $request{kind}->@*,
        'Sec-Fetch-Site' => $request{site},
        Referer          => $request{referer},
        Origin           => $request{origin},
        'Content-Type'   => $request{type},
        Cookie           => $self->{jar}->header($request{path}, $cross_site),
    );
    delete @own{ grep { /\ASec-Fetch-/ } keys %own } if !$self->{fetch_metadata};
    my @said = @{ $request{headers} // [] };
    my %said = map { lc $said[$_ * 2] => 1 } 0 .. @said / 2 - 1;
    delete @own{ grep { $said{ lc $_ } } keys %own };

    my $response = $self->{client}->request(
        $request{method} // 'GET', $request{path},
        headers => [(map { $_ => $own{$_} } sort keys %own), @said], body => $request{body},
    );
    $self->{jar}->store($request{path}, $response, $self->{origin} =~ /\Ahttps:/);
    @$self{qw(request response)} = (\%request, $response);
    if ($request{kind} == NAVIGATE && !$response->is_redirect) {
        $self->{page} = $request{path};
        $self->{navigation} = { map { $_ => $request{$_} } qw(kind site referer) };
    }
    return $response;
}

sub _referer ($self) {
    return defined $self->{page} ? $self->{origin} . $self->{page} : undef;
}

# A Location as a path of this site; undef if it leads elsewhere.
sub _resolve ($self, $location) {
    $location =~ s{\A\Q$self->{origin}\E(?=/)}{};
    return $location =~ m{\A/(?![/\\])} ? $location : undef;
}

1;
