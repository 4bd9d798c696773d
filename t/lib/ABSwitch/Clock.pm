# SPDX-License-Identifier: Apache-2.0
# A clock for one server, that can be set while it runs: libfaketime, between it and the machine's.
#
#     plan skip_all => ABSwitch::Clock->why_not if ABSwitch::Clock->why_not;
#     my $clock = ABSwitch::Clock->new;
#     ABSwitch::Site->new(wrap => [$clock->inside], ...);
#     $clock->set(-10);                        # seconds; in force within one of them

package ABSwitch::Clock;
use v5.36;
use ABSwitch::Host qw(spew which);
use ABSwitch::TempDir;

my ($library) = glob '/usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib*/faketime/libfaketimeMT.so.1';

sub why_not ($class) { return $library ? '' : 'there is no libfaketime (package faketime)' }

sub new ($class) {
    my $self = bless { file => temp_dir('clock') . '/offset' }, $class;
    $self->set(0);
    return $self;
}

# The file is replaced as a whole, for it is read at any time.
sub set ($self, $seconds) {
    spew("$self->{file}.new", sprintf("%+d\n", $seconds), 0644);
    rename "$self->{file}.new", $self->{file} or die "$self->{file}: $!";
    return;
}

# The command that runs another one by this clock. What measures how long something takes is left alone.
sub inside ($self) {
    return (which('env'), "LD_PRELOAD=$library", "FAKETIME_TIMESTAMP_FILE=$self->{file}", 'FAKETIME_CACHE_DURATION=1',
        'FAKETIME_DONT_FAKE_MONOTONIC=1', 'FAKETIME_DISABLE_SHM=1');
}

1;
