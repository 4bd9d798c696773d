#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The state directory: made at the first start, kept, and never trusted blindly.

use v5.36;
use Fcntl qw(:mode);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use ABSwitch::Ask qw(sessions_are);
use ABSwitch::Host qw(run slurp spew);
use ABSwitch::Site;
use ABSwitch::Token;
use ABSwitch::Wait;

sub mode ($path)  { return sprintf '%04o', S_IMODE((stat $path)[2]) }
sub owner ($path) { return scalar getpwuid((stat $path)[4]) }
sub serves        { return $> == 0 ? 'www-data' : scalar getpwuid($>) }
sub sessions ($site, $side = 'A') { return $site->side($side)->{sessions} }

# Somebody with a session on side A; their browser.
sub someone ($site) {
    my $browser = $site->browser;
    $browser->type_in('/contact');
    $browser->follow;
    return $browser;
}

# A site whose secret is the one it makes.
sub without_secret (%o) {
    my $site = ABSwitch::Site->new(%o);
    unlink $site->path('conf/secret');
    no warnings 'redefine';
    my $text = $site->conf_before =~ s/^ABSwitchSecretFile.*\n//mr;
    return bless { %$site, before => $text }, 'Secretless';
}

{
    package Secretless;
    our @ISA = 'ABSwitch::Site';
    sub conf_before { return $_[0]{before} // ABSwitch::Site::conf_before($_[0]) }
}

subtest 'a first start' => sub {
    my $site = ABSwitch::Site->new->start;
    my $dir = $site->state_dir;
    is mode($dir), '0750', 'the directory is closed to others';
    is owner($dir), serves(), 'and belongs to the user that serves';
    ok !-e "$dir/secret", 'no secret is made where one is named';
    wait_for 'the empty side to be drained, with nothing to be relearned', 5, sub { $_ = $site->side('B'); $_->{drain} eq 'drained' };
    $site->log_is_clean;
};

subtest 'the secret that is made' => sub {
    my $site = without_secret();
    $site->start;
    my $file = $site->state_dir . '/secret';
    is mode($file), '0600', 'for nobody else';
    like slurp($file), qr/\A[A-Za-z0-9] [0-9a-f]{64}\n\z/, 'is one key of 256 bits';
    my $text = slurp($file);
    my $anna = someone($site);
    for my $how (qw(graceful restart)) {
        $site->$how;
        is scalar $anna->click('/contact/A/')->header('X-Verdict'), 'pass', "tokens hold over a $how";
    }
    $site->stop;
    $site->start;
    is scalar $anna->click('/contact/A/')->header('X-Verdict'), 'pass', '... and over a stop and a start';
    is slurp($file), $text, 'it is not made anew';
    is sessions($site), 1, 'one session all the time';
    $site->log_is_clean;
    $site->stop;
    chmod 0640, $file;
    like $site->try_start, qr/ABSwitchSecretFile.*group or to others/, 'one that the group may read is refused';
    $site->expect_log(qr/ABSwitchSecretFile|AH00020|Configuration Failed/);
};

subtest 'the history outlives a restart' => sub {
    my $site = ABSwitch::Site->new->start;
    someone($site);
    wait_for 'the first entry', 5, sub { $_ = $site->status->{history}; @$_ };
    my $first = $site->status->{history}[0]{time};
    for my $how (qw(graceful restart kill_all)) {
        $site->$how;
        $site->start if $how eq 'kill_all';
        is $site->status->{history}[0]{time}, $first, $how;
    }
    $site->log_is_clean;
};

subtest 'a table that is lost' => sub {
    my $site = ABSwitch::Site->new(app => 'ABSwitchIdleTimeout 10s')->start;
    my $anna = someone($site);
    $site->flip('B');
    $site->stop;
    unlink $site->state_dir . '/table' or die "unlink: $!";
    $site->start;
    is $site->browser->type_in('/contact')->location, '/contact/B/', 'the switch is still known';
    wait_for 'the drain to be unknown, with its reason', 3,
        sub { $_ = $site->side('A'); $_->{drain} eq 'unknown' && $_->{reason} =~ /learns its sessions/ };
    is scalar $anna->click('/contact/A/')->header('X-Verdict'), 'pass', 'Anna goes on';
    is sessions($site), 1, 'and is counted again';
    wait_for 'an idle time-out, after which it knows', 15, sub { $_ = $site->side('A'); $_->{drain} eq 'drained' };
    $site->expect_log(qr/\[abswitch:warn\]/);
    $site->log_is_clean;
};

# What becomes of the file while httpd is down, and whether its sessions can be kept.
my @damages = (
    ['cut short',           sub ($file) { truncate $file, 100_000 or die "truncate: $!" }],
    ['empty',               sub ($file) { truncate $file, 0 or die "truncate: $!" }],
    ['of somebody else',    sub ($file) { spew($file, "SQLite format 3\0" x 4096, 0640) }],
    ['with a bad header',   sub ($file) { patch($file, 16, "\xff" x 64) }],
    ['with a bad version',  sub ($file) { patch($file, 8, "\x7f\x7f\x7f\x7f") }],
    ['full of noise',       sub ($file) { patch($file, 4096, join '', map { chr(($_ * 7919) % 256) } 1 .. 2_000_000) }],
);

sub patch ($file, $at, $bytes) {
    open my $out, '+<:raw', $file or die "$file: $!";
    seek $out, $at, 0;
    print {$out} $bytes;
    close $out or die "$file: $!";
    return;
}

for my $damage (@damages) {
    my ($what, $do) = @$damage;
    subtest "a table $what" => sub {
        my $site = ABSwitch::Site->new->start;
        my $anna = someone($site);
        $site->flip('B');
        $site->stop;
        $do->($site->state_dir . '/table');
        $site->start;
        is $site->browser->type_in('/contact')->location, '/contact/B/', 'httpd starts, with the switch as it was';
        is scalar $anna->click('/contact/A/')->header('X-Verdict'), 'pass', 'Anna goes on';
        is sessions($site), 1, 'and is counted';
        my ($looks, @proven) = watch(1, sub { grep { $_ eq 'drained' } $site->side('A')->{drain} });
        ok !@proven, "nobody says that her side is drained ($looks looks)";
        $site->expect_log(qr/\[abswitch:warn\]/);
        $site->log_is_clean;
    };
}

# One bit of the file is another, anywhere in it: httpd starts and serves, with the switch as it was, and what it says is
# either right or unknown.
subtest 'a bit that is another' => sub {
    my $site = ABSwitch::Site->new->start;
    my $anna = someone($site);
    $site->flip('B');
    $site->stop;
    my $file = $site->state_dir . '/table';
    my $size = -s $file;
    srand 4711;
    for my $n (1 .. 12) {
        my $at = $n <= 6 ? int rand 320 : 4096 + int rand $size - 4096;
        my $bit = int rand 8;
        my $byte = substr slurp($file), $at, 1;
        patch($file, $at, chr(ord($byte) ^ 1 << $bit));
        $site->start;
        is $site->browser->type_in('/contact')->location, '/contact/B/', "byte $at, bit $bit: it serves";
        is scalar $anna->click('/contact/A/')->header('X-Verdict'), 'pass', '... Anna goes on';
        my $side = $site->side('A');
        ok $side->{drain} ne 'drained', '... and her side is not drained' or diag explain $side;
        sessions_are($site, '... she is counted, once', { A => 1 });
        $site->stop;
    }
    $site->expect_log(qr/\[abswitch:(?:warn|error)\]/);
    $site->log_is_clean;
};

# A small disk for the state directory, in a namespace of our own: it goes when the test does.
sub small_disk ($site, $size, @options) {
    state $alone = $> == 0 && syscall(272, 0x20000) == 0 && (run('mount', '--make-rprivate', '/'))[0] == 0;
    my $dir = $site->path('disk');
    mkdir $dir;
    return $alone && (run('mount', '-t', 'tmpfs', '-o', join(',', "size=$size", 'mode=0755', @options), 'tmpfs', $dir))[0] == 0;
}

sub on_a_disk () { return ABSwitch::Site->new(server => "ABSwitchSync 100ms\nABSwitchSessions 1024\nABSwitchStateDir \${ROOT}/disk/abswitch") }

SKIP: {
    my $site = on_a_disk();
    skip 'no namespace of our own here', 1 if $^O ne 'linux' || (POSIX::uname())[4] ne 'x86_64' || !small_disk($site, '64k');
    subtest 'a disk that is full, or may not be written' => sub {
        like $site->try_start, qr{ABSwitchStateDir: .*(?:No space left|ENOSPC)}, 'no room for the table: httpd says so and does not start';
        $site->expect_log(qr/./);
        run('umount', $site->path('disk'));

        my $other = on_a_disk();
        ok small_disk($other, '8m'), 'a disk with room for the table';
        $other->start;
        my $dir = $other->path('disk/abswitch');
        $other->write('disk/abswitch/contact.switch', "A\n");
        wait_for 'a switch', 5, sub { $_ = $other->status->{switch}{generation}; $_ == 1 };
        my $anna = someone($other);
        run('dd', 'if=/dev/zero', 'of=' . $other->path('disk/filler'), 'bs=4k');
        open my $out, '+<', "$dir/contact.switch" or die "contact.switch: $!";
        print {$out} 'B' . ' ' x (-1 + -s $out);        # over what is there: that needs no room
        close $out;
        wait_for 'a flip', 5, sub { $_ = $other->status->{switch}{weights}; $_->{B} };
        is $other->browser->type_in('/contact')->location, '/contact/B/', 'full: new people land on the new side';
        is scalar $anna->click('/contact/A/')->header('X-Verdict'), 'pass', '... Anna goes on';
        sessions_are($other, '... and is counted', { A => 1 });
        wait_for 'the log to say what is missing', 5, sub {
            $_ = $other->log_text; /contact.*(?:No space left|cannot be written|could not be)/;
        };
        unlink $other->path('disk/filler');
        wait_for 'the record, once there is room', 5, sub { $_ = slurp("$dir/contact.switch"); /gen=2/ };
        $other->expect_log(qr/\[abswitch:/);
        $other->log_is_clean;
        $other->stop;
        run('mount', '-o', 'remount,ro', $other->path('disk'));
        like $other->try_start, qr{ABSwitchStateDir: .*Read-only}, 'read-only: httpd says so and does not start';
        $other->expect_log(qr/./);
        run('umount', $other->path('disk'));
    };
}

subtest 'another number of slots' => sub {
    my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $@";
    my $proxy = 'ProxyPass /contact/A/slow http://127.0.0.1:' . $silent->sockport . "/\n";
    my $site = ABSwitch::Site->new(server => "ABSwitchSync 100ms\nABSwitchSessions 2000", conf => $proxy)->start;
    someone($site) for 1 .. 20;
    $site->flip('B');
    my $waiting = $site->client->open;
    $waiting->send("GET /contact/A/slow/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    wait_for 'a request that holds an old child', 5, sub { $_ = $site->side('A')->{in_flight}; $_ == 1 };
    for (['graceful', 4000], ['restart', 4000], ['stop', 1024]) {
        my ($how, $slots) = @$_;
        $site->{server} = "ABSwitchSync 100ms\nABSwitchSessions $slots";
        $site->set_conf($proxy);
        $site->$how($how eq 'graceful' ? (stays => 1) : ());
        $site->start if $how eq 'stop';
        is sessions($site), 20, "$slots after a $how";
        is $site->status->{switch}{generation}, 1, '... with the switch';
        next if $how ne 'graceful';
        is $site->side('A')->{in_flight}, 1, '... and who is in flight';
        my $backend = $silent->accept;
        print {$backend} "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok";
        close $backend;
        wait_for 'it to be done', 5, sub { $_ = $site->side('A')->{in_flight}; $_ == 0 };
    }
    like $site->log_text, qr/ABSwitchSessions: 4000 comes into force when httpd is stopped/, 'what has to wait is said';
    $site->expect_log(qr/ABSwitchSessions: 4000 comes into force/);
    $site->log_is_clean;
};

subtest 'directories that will not do' => sub {
    my $site = ABSwitch::Site->new(server => 'ABSwitchStateDir ${ROOT}/none/abswitch');
    like $site->try_start, qr{none/abswitch}, 'one whose parent is missing is named';
    $site->expect_log(qr/./);
    my $linked = ABSwitch::Site->new(server => 'ABSwitchStateDir ${ROOT}/run/link');
    mkdir $linked->path('run/real');
    symlink $linked->path('run/real'), $linked->path('run/link') or die "symlink: $!";
    like $linked->try_start, qr{run/link}, 'a link is refused';
    $linked->expect_log(qr/./);
    my $file = ABSwitch::Site->new(server => 'ABSwitchStateDir ${ROOT}/run/file');
    $file->write('run/file', '');
    like $file->try_start, qr{run/file}, 'so is a file';
    $file->expect_log(qr/./);
};

subtest 'links in the directory lead nowhere' => sub {
    my $site = ABSwitch::Site->new->start;
    $site->stop;
    my $victim = $site->write('victim', "precious\n", 0644);
    for my $name (qw(table contact.switch contact.log)) {
        unlink $site->state_dir . "/$name";
        symlink $victim, $site->state_dir . "/$name" or die "symlink: $!";
    }
    my $why = $site->try_start;
    is slurp($victim), "precious\n", 'what they point to is left alone';
    if (!defined $why) {
        $site->write_switch('B') if !-l $site->state_dir . '/contact.switch';
        is $site->browser->type_in('/contact')->location =~ m{\A/contact/[AB]/\z}, 1, 'and httpd serves';
    }
    $site->expect_log(qr/./);
};

done_testing;
