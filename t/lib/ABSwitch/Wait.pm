# SPDX-License-Identifier: Apache-2.0
# Waiting for something to become true instead of sleeping.
#
#     wait_for 'side A to be drained', 5, sub { $_ = $site->side('A')->{drain}; $_ eq 'drained' };
#
# What the block leaves in $_ is shown when time runs out. wait_for is a test point; poll is the bare loop. Seconds are
# what it may take on a machine that does nothing else; a busy one gets more, for no test asserts a time.

package ABSwitch::Wait;
use v5.36;
use Exporter qw(import);
use Test::More ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(wait_for poll watch holds);

use constant PATIENCE => 6;

# Asks every 50 ms, and once more at the end; returns the block's last value.
sub poll ($seconds, $block) {
    my $end = time + PATIENCE * $seconds;
    while (1) {
        my $last = time >= $end;
        my $value = $block->();
        return $value if $value || $last;
        sleep 0.05;
    }
}

# Looks again and again for exactly that long: for what must not happen. Returns how often, and what the block said.
sub watch ($seconds, $block) {
    my ($end, $times, @said) = (time + $seconds, 0);
    do {
        push @said, $block->();
        $times++;
        sleep 0.05;
    } while (time < $end);
    return ($times, @said);
}

# A test point: for so many seconds on end the block has nothing to say. A busy machine is late for a sync now and then,
# so there are some tries; what is wrong with the module is wrong at each.
sub holds ($what, $seconds, $block) {
    my ($times, @said);
    for (1 .. PATIENCE) {
        ($times, @said) = watch($seconds, $block);
        last if !@said;
    }
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::ok(!@said, $what) || Test::More::diag("seen: @said");
}

sub wait_for ($what, $seconds, $block) {
    local $_;
    my $value = poll($seconds, $block);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::ok($value, "waited for $what")
        or Test::More::diag('not within ', PATIENCE * $seconds, ' s; last seen: ',
            ref ? Test::More::explain($_) : $_ // 'nothing');
    return $value;
}

1;
