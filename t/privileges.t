#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What the module may and what it tells: children without privileges, and no secret, no session's id and no path in a
# page, an environment or a log.

use v5.36;
use Fcntl qw(:mode);
use POSIX ();
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Host qw(run slurp);
use ABSwitch::HttpdConf;
use ABSwitch::Site;
use ABSwitch::Token;
use ABSwitch::Wait;

my $user = ABSwitch::HttpdConf::user();

# A site whose command, when side B is drained, writes down what it is.
sub site (%o) {
    my $site = ABSwitch::Site->new(log_level => 'trace8', %o, app => <<'CONF');
ABSwitchLogout /logout
ABSwitchOverride /contact-test "-R '127.0.0.1'"
ABSwitchOnDrained ${ROOT}/command
CONF
    chmod 0777, $site->path('run');
    $site->write('command', <<"SH", 0755);
#!/bin/sh
exec >@{[ $site->path('run/told.new') ]}
id -u
tr '\\0' '\\n' < /proc/\$\$/environ | sed 's/^/env /'
grep '^Sig[BI]' /proc/self/status
ls -l /proc/\$\$/fd | sed 's/^/fd /'
mv @{[ $site->path('run/told.new') ]} @{[ $site->path('run/told') ]}
SH
    return $site->start;
}

my $site = site();
my $anna = token_text('A');
my $tester = token_text('A tester');
my @ids = map { (split /\./)[5] } $anna, $tester;

# Everything that leaves a trace, for later.
my @pages;
push @pages, ask($site, at => $_->[0], token => $_->[1], %{ $_->[2] // {} })->raw for
    ['/contact', $anna], ['/contact/A/', $anna], ['/contact/B/', $anna], ['/contact/B/', $anna, { from => 'inside' }],
    ['/contact/A/', $tester], ['/contact-test/B/', $tester], ['/contact/old', $anna], ['/contact/A/', token_text('A old')],
    ['/contact/A/', "$anna "], ['/contact/A/', substr($anna, 0, -1)], ['/contact/A/none', $anna], ['/contact/A/logout', $anna];
my @handed = map { /abswitch_contact=(1\.[^;]+)/g } @pages;
ok @handed >= 2, 'tokens were handed out';
push @ids, map { (split /\./)[5] } @handed;
my $id_hex = join '|', map { unpack 'H*', read_token($_)->{id} } $anna, $tester, @handed;
my $secret = ABSwitch::Site::SECRET;
my $tags = join '|', map { quotemeta((split /\./)[6]) } $anna, $tester, @handed;
my $private = qr/$secret|@{[ join '|', map { quotemeta } @ids ]}|$id_hex|$tags/i;
my $paths = quotemeta $site->path;

sub keeps_quiet ($name, $text, $pattern = $private) {
    return unlike $text, $pattern, "$name keeps it";
}

subtest 'children' => sub {
    plan skip_all => 'only root drops privileges' if !defined $user;
    my $uid = getpwnam $user;
    for my $pid ($site->children) {
        my $status = slurp("/proc/$pid/status");
        like $status, qr/^Uid:(?:\t$uid){4}$/m, "$pid is $user, for good";
        like $status, qr/^CapEff:\t0+$/m, '... without a capability';
        unlike $status, qr/^Groups:.*\b0\b/m, '... and not in root\'s group';
        my @open = map { readlink // '' } glob "/proc/$pid/fd/*";
        is_deeply [grep { /secret/ } @open], [], '... without the secret open';
        keeps_quiet('its environment', slurp("/proc/$pid/environ"));
    }
    is((stat '/proc/' . $site->pid)[4], 0, 'the parent is root');
};

subtest 'files' => sub {
    my $mode = sub ($path) { my @stat = stat $path or return 'missing'; return sprintf '%04o', S_IMODE($stat[2]) };
    is $mode->($site->state_dir), '0750', 'the state directory';
    for my $file (glob $site->state_dir . '/*') {
        like $mode->($file), qr/\A06[04]0\z/, "$file is not for others";
        keeps_quiet($file, slurp($file)) if $file !~ m{/secret\z};
    }
    is $mode->($site->state_dir . '/table'), '0600', 'the table is the parent\'s';
    SKIP: {
        skip 'only root drops privileges', 2 if !defined $user;
        for my $file ($site->state_dir . '/table', $site->path('conf/secret')) {
            my ($exit) = run('setpriv', '--reuid', $user, '--clear-groups', 'cat', $file);
            isnt $exit, 0, "$user cannot read $file";
        }
    }
};

subtest 'pages' => sub {
    for my $format ('', '?format=json', '?format=text', '?format=prometheus', '?app=contact', '?app=none', '?format=none') {
        my $r = $site->client->get("/abswitch-status$format", Accept => 'text/html');
        keeps_quiet("the status page $format", $r->raw);
        keeps_quiet("... and where its files are", $r->raw, qr/$paths|\/tmp\/|\/conf\/secret/);
    }
    my $env = ask($site, at => '/contact/A/env.shtml', token => token_text('A'))->body =~ s/^(?:HTTP_COOKIE|QUERY).*\n//mgr;
    like $env, qr/^ABSWITCH_SIDE=A$/m, 'the environment of a page';
    keeps_quiet('it', $env);
    is_deeply [$env =~ /^(\w*ABSWITCH\w*)=/mg], [qw(ABSWITCH_APP ABSWITCH_SIDE ABSWITCH_VERDICT)],
        '... has these of ours and no more';
};

subtest 'ABSwitchOnDrained' => sub {
    $site->flip($_) for qw(B A);
    my $told = $site->path('run/told');
    wait_for 'the command', 10, sub { -e $told } or return;
    my $text = slurp($told);
    like $text, qr/\A@{[ defined $user ? scalar getpwnam $user : $> ]}\n/, 'is run as who serves';
    is_deeply [sort grep { !/\A(?:PWD|SHLVL|OLDPWD|_)\z/ } $text =~ /^env (\w+)=/mg],
        [qw(ABSWITCH_APP ABSWITCH_GENERATION ABSWITCH_SIDE PATH)], 'with these in its environment';
    keeps_quiet('it', $text);
    like $text, qr/^SigBlk:\t0+$/m, 'no signal is blocked';
    my @open = grep { !/ [012] -> / } $text =~ /^fd (.* -> .*)/mg;
    is_deeply [grep { /socket|secret|table|lock|deleted/ } @open], [], 'no connection and no file of ours is open' or diag $text;
};

subtest 'logs' => sub {
    # httpd itself logs request headers at trace4 and above.
    my $log = join "\n", grep { !/\[(?:core|http|http2|headers|proxy|ssl|include):trace[3-8]\]/ } split /\n/, $site->log_text;
    like $log, qr/abswitch:trace/, 'with everything that the module says';
    keeps_quiet('the error log', $log);
    keeps_quiet('... without its own lines\' exception', join "\n", grep { /\[abswitch:/ } split /\n/, $site->log_text);
    keeps_quiet('the access log', slurp($site->path('logs/access_log')));
};

subtest 'a secret that cannot be used' => sub {
    for my $case (['short', 'k ' . 'ab' x 31], ['odd', "k ${secret}0"], ['twice', "k $secret\nk $secret"], ['not hex', 'k ' . 'xy' x 32],
        ['empty', '']) {
        my ($name, $text) = @$case;
        my $other = ABSwitch::Site->new;
        $other->write('conf/secret', "$text\n", 0600);
        my ($exit, $output) = $other->configtest;
        isnt $exit, 0, "$name: refused";
        unlike $output, qr/[0-9a-f]{16}|xyxy/, '... without a byte of it';
    }
};

$site->expect_log(qr/trace/);
$site->log_is_clean;

done_testing;
