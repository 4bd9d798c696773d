# SPDX-License-Identifier: Apache-2.0
# One person's browser, of ABSwitch::Chromium: its windows and tabs, one of which is in front.

package ABSwitch::ChromiumWindow;
use v5.36;
use Carp qw(croak);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use ABSwitch::Host qw(spew);
use ABSwitch::Wait qw(poll);

use constant ELEMENT => 'element-6066-11e4-a52e-4f735466cecf';    # the name that the protocol gives it

# driver, id of the session
sub new ($class, %o) {
    return bless {%o}, $class;
}

# Typed into the address bar, or a bookmark: no Referer.
sub visit ($self, $url) {
    $self->_call(POST => '/url', { url => $url });
    return $self;
}

sub back ($self)    { return $self->_step('/back') }
sub forward ($self) { return $self->_step('/forward') }
sub reload ($self)  { return $self->_step('/refresh') }

# The first element that a CSS selector finds; dies if there is none.
sub find ($self, $css) {
    my $found = $self->_call(POST => '/element', { using => 'css selector', value => $css });
    return $found->{ +ELEMENT };
}

sub click ($self, $css) {
    $self->_call(POST => '/element/' . $self->find($css) . '/click');
    return $self;
}

sub type ($self, $css, $text) {
    $self->_call(POST => '/element/' . $self->find($css) . '/value', { text => $text });
    return $self;
}

sub text ($self, $css) {
    return $self->_call(GET => '/element/' . $self->find($css) . '/text');
}

# A function's body, as the page's own script; its arguments are `arguments`.
sub run ($self, $script, @arguments) {
    return $self->_call(POST => '/execute/sync', { script => $script, args => \@arguments });
}

sub url ($self)    { return $self->_call(GET => '/url') }
sub title ($self)  { return $self->_call(GET => '/title') }
sub source ($self) { return $self->_call(GET => '/source') }

# Of the page's address: path and query.
sub path ($self) {
    return $self->url =~ s{\A\w+://[^/]*}{}r =~ s/#.*//sr;
}

# Whether this path is reached, and its page is complete, within ten seconds.
sub arrives ($self, $path) {
    return poll(10, sub {
        eval { $self->path eq $path && $self->run('return document.readyState') eq 'complete' };
    });
}

# The cookies of the page's host, each a hash; one of them by name.
sub cookies ($self) {
    return $self->_call(GET => '/cookie')->@*;
}

sub cookie ($self, $name) {
    return (grep { $_->{name} eq $name } $self->cookies)[0];
}

# All windows and tabs; the one in front.
sub windows ($self) { return $self->_call(GET => '/window/handles')->@* }
sub window ($self)  { return $self->_call(GET => '/window') }

sub switch_to ($self, $window) {
    $self->_call(POST => '/window', { handle => $window });
    return $self;
}

# Opens an empty tab and brings it to the front.
sub new_tab ($self) {
    return $self->switch_to($self->_call(POST => '/window/new', { type => 'tab' })->{handle});
}

# Brings what the block opens to the front; returns the window that was there before.
sub popup ($self, $block) {
    my $before = $self->window;
    my %old = map { $_ => 1 } $self->windows;
    $block->();
    my $new;
    poll(10, sub { ($new) = grep { !$old{$_} } $self->windows }) or croak 'no window opened';
    $self->switch_to($new);
    return $before;
}

# Closes the one in front and brings another to it.
sub close_window ($self, $next) {
    $self->_call(DELETE => '/window');
    return $self->switch_to($next);
}

# Into a frame, or out of all of them.
sub frame ($self, $css = undef) {
    my $id = defined $css ? { ELEMENT() => $self->find($css) } : undef;
    $self->_call(POST => '/frame', { id => $id });
    return $self;
}

sub resize ($self, $width, $height) {
    $self->_call(POST => '/window/rect', { width => $width + 0, height => $height + 0 });
    return $self;
}

# A command of the browser's own protocol (Chrome DevTools), for what WebDriver has no word for.
sub devtools ($self, $command, %parameters) {
    return $self->_call(POST => '/goog/cdp/execute', { cmd => $command, params => \%parameters });
}

# The page is on a telephone of that width: a window cannot be made so narrow.
sub on_a_telephone ($self, $width = 360) {
    $self->devtools('Emulation.setDeviceMetricsOverride',
        width => $width, height => 740, deviceScaleFactor => 2, mobile => JSON::PP::true);
    return $self;
}

# The page's own scripts do not run.
sub without_scripts ($self) {
    $self->devtools('Emulation.setScriptExecutionDisabled', value => JSON::PP::true);
    return $self;
}

# The window as a PNG file.
sub screenshot ($self, $file) {
    return spew($file, decode_base64($self->_call(GET => '/screenshot')));
}

sub quit ($self) {
    $self->{driver}->end_session($self->{id});
    return;
}

sub _step ($self, $path) {
    $self->_call(POST => $path);
    return $self;
}

sub _call ($self, $method, $path, $body = undef) {
    return $self->{driver}->call($method, "/session/$self->{id}$path", $body);
}

1;
