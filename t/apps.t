#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# A real application: two versions of a small one in PHP, in the very configuration that docs/proxy.md gives, are
# exchanged at noon while somebody is in the middle of a form.

package ABSwitch::Site::Php;
use v5.36;
use parent 'ABSwitch::Site';

# The manual's configuration in place of a test's own.
sub conf_before ($self) {
    return <<"CONF" . $self->{manual};
ABSwitchSecretFile \${ROOT}/conf/secret
ABSwitchSync 100ms
Header always set X-Verdict %{ABSWITCH_VERDICT}e env=ABSWITCH_VERDICT
Header always set X-Verdict %{REDIRECT_ABSWITCH_VERDICT}e env=REDIRECT_ABSWITCH_VERDICT
<Location /abswitch-status>
    SetHandler abswitch-status
</Location>
CONF
}

package main;
use v5.36;
use POSIX qw(WNOHANG);
use Test::More;
use ABSwitch::Host qw(repo run slurp spew which);
use ABSwitch::Site;
use ABSwitch::TempDir;
use ABSwitch::Wait;

my $fpm = which(qw(php-fpm), map { s{.*/}{}r } reverse glob '/usr/sbin/php-fpm[0-9]*')
    or plan skip_all => 'there is no php-fpm here';
plan skip_all => 'only root can run php-fpm as somebody else' if $> != 0;
plan skip_all => 'there is no user www-data here' if !defined getpwnam 'www-data';

# --- the manual -------------------------------------------------------------------------------------------

my $dir = temp_dir('apps');

# The manual's block of that kind in its PHP section, with our places for Debian's.
sub manual ($kind) {
    my ($section) = slurp(repo('docs/proxy.md')) =~ /^## PHP\n(.*?)^## /ms or die 'docs/proxy.md: no section PHP';
    my ($block) = $section =~ /^```\Q$kind\E\n(.*?)^```/ms or die "docs/proxy.md: no $kind";
    return $block =~ s{(?<![\w/])(?=/(?:run/php|srv|var/lib/php)/)}{$dir}gr;
}

my $pools = manual('ini');
my $apache = manual('apache');

# --- the application --------------------------------------------------------------------------------------

# Version 2 asks for one thing more. Everything that one has typed is in the session until it is saved.
sub application ($side, $version) {
    my $public = "$dir/srv/contact-\L$side\E/public";
    spew("$public/common.php", <<"PHP" . <<'PHP');
<?php
const VERSION = $version;
PHP
session_start();
header('Content-Type: text/plain; charset=utf-8');
function go(string $where): never
{
    header('Location: ' . ($where[0] === '/' ? '' : dirname($_SERVER['SCRIPT_NAME']) . '/') . $where, true, 303);
    exit;
}
function person(): string { return $_SESSION['person'] ?? go('login.php'); }
function seen(): string
{
    $_SERVER += ['ABSWITCH_SIDE' => '-', 'ABSWITCH_VERDICT' => '-', 'ABSWITCH_DRAINING' => 'open'];
    return "$_SERVER[ABSWITCH_SIDE] $_SERVER[ABSWITCH_VERDICT] $_SERVER[ABSWITCH_DRAINING]";
}
PHP
    spew("$public/index.php", <<'PHP');
<?php require 'common.php';
echo 'contacts ', VERSION, ' of ', $_SESSION['person'] ?? 'nobody', ', ', seen(), "\n";
PHP
    spew("$public/login.php", <<'PHP');
<?php require 'common.php';
if ($_SERVER['REQUEST_METHOD'] !== 'POST') { echo 'who are you?'; exit; }
session_regenerate_id(true);
$_SESSION['person'] = $_POST['person'];
go('form.php');
PHP
    spew("$public/form.php", <<'PHP');
<?php require 'common.php';
person();
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $_SESSION['draft'] = $_POST + ($_SESSION['draft'] ?? []);
    go(isset($_POST['phone']) ? 'save.php' : 'form.php?step=2');
}
echo 'version ', VERSION, ' step ', $_GET['step'] ?? 1, ' ', http_build_query($_SESSION['draft'] ?? []);
PHP
    spew("$public/save.php", <<'PHP');
<?php require 'common.php';
echo person(), ' saved ', http_build_query($_SESSION['draft']), ' with version ', VERSION;
PHP
    spew("$public/logout.php", <<'PHP');
<?php require 'common.php';
session_destroy();
go('/contact');
PHP
    return;
}

# --- php-fpm ----------------------------------------------------------------------------------------------

my $fpm_pid;

sub start_fpm () {
    my $conf = spew("$dir/fpm.conf", "[global]\ndaemonize = no\nerror_log = $dir/fpm.log\n\n$pools");
    for my $folder ($pools =~ m{^listen = (.*)/}mg) {
        run('mkdir', '-p', $folder);
    }
    for my $folder ($pools =~ /session\.save_path\] = (\S+)/g) {
        run('mkdir', '-p', $folder);
        run('chown', 'www-data', $folder);
        chmod 0700, $folder;
    }
    $fpm_pid = fork // die "fork: $!";
    if (!$fpm_pid) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$dir/fpm.out";
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec $fpm, '--nodaemonize', '--fpm-config', $conf, '--no-php-ini'; }
        POSIX::_exit(127);
    }
    my @sockets = $pools =~ /^listen = (\S+)/mg;
    poll(10, sub { @sockets == grep { -S } @sockets });
    return is(scalar(grep { -S } @sockets), 2, 'php-fpm runs with the manual\'s pools')
        || diag map { -e ? slurp($_) : () } "$dir/fpm.log", "$dir/fpm.out";
}

END {
    if ($fpm_pid) {
        local $?;
        kill 'TERM', $fpm_pid;
        poll(5, sub { waitpid($fpm_pid, WNOHANG) }) || kill 'KILL', $fpm_pid;
    }
}

# --- one noon ---------------------------------------------------------------------------------------------

application(A => 1);
application(B => 2);
run('chmod', '-R', 'a+rX', "$dir/srv");
start_fpm();

my $site = ABSwitch::Site::Php->new(manual => $apache, modules => ['proxy_fcgi'])->start;

# The browser's cookies of that name: path => value.
sub cookies ($person, $name) {
    return { map { $_->{path} => $_->{value} } grep { $_->{name} eq $name } $person->jar->{cookies}->@* };
}


my $anna = $site->browser;

subtest 'before noon' => sub {
    $anna->type_in('/contact');
    my $r = $anna->follow;
    is $anna->page, '/contact/A/', 'Anna comes to A';
    is $r->body, "contacts 1 of nobody, A pass open\n", 'to version 1, which knows where it is and what was decided';
    is_deeply [keys cookies($anna, 'PHPSESSID')->%*], ['/contact/A'], 'with its cookie on its own path';
    $anna->click('/contact/A/form.php');
    is $anna->follow->body, 'who are you?', 'she is to log in';
    $anna->post_form('/contact/A/login.php', 'person=Anna');
    is $anna->follow->body, 'version 1 step 1 ', 'she does';
    $anna->post_form('/contact/A/form.php', 'name=Berta+Benz');
    is $anna->follow->body, 'version 1 step 2 name=Berta+Benz', 'and fills in half a form';
    is $site->side('A')->{sessions}, 1, 'one session';
};

subtest 'noon' => sub {
    $site->flip('B');
    is $anna->reload->body, 'version 1 step 2 name=Berta+Benz', 'a reload loses nothing';
    is $anna->click('/contact/A/', headers => [Referer => undef])->body, "contacts 1 of Anna, A pass 1\n",
        'version 1 can tell her of the new one';
    $anna->click('/contact/A/form.php?step=2');
    $anna->post_form('/contact/A/form.php', 'phone=555-0101');
    is $anna->follow->body, 'Anna saved phone=555-0101&name=Berta+Benz with version 1', 'the form ends where it began';

    my $carl = $site->browser;
    $carl->type_in('/contact/A/login.php?from=bookmark');
    is $carl->follow->body, 'who are you?', 'a bookmark of somebody new';
    is $carl->page, '/contact/B/login.php?from=bookmark', 'leads to B';
    $carl->post_form('/contact/B/login.php', 'person=Carl');
    is $carl->follow->body, 'version 2 step 1 ', 'and version 2';
    is_deeply [keys cookies($carl, 'PHPSESSID')->%*], ['/contact/B'], 'nothing of A in his browser';
    is_deeply [map { $_->{sessions} } $site->status->{sides}->@*], [1, 1], 'one session each';

    $anna->type_in('/contact/B/');
    is $anna->follow->body, "contacts 1 of Anna, A pass 1\n", 'a bookmark of B leads Anna home, still logged in';
};

subtest 'logging out' => sub {
    my $old = cookies($anna, 'PHPSESSID')->{'/contact/A'};
    my $r = $anna->click('/contact/A/logout.php');
    is_deeply [$r->status, $r->location, scalar $r->header('X-Verdict')], [303, '/contact', 'logout'],
        'the application sends her to the launchpad';
    is_deeply [map { $anna->jar->header("/contact/$_/") } qw(A B)], [undef, undef], 'no cookie is left';
    is $site->side('A')->{sessions}, 0, 'nobody is on A';
    $anna->follow;
    $anna->follow;
    is $anna->page, '/contact/B/', 'entering anew she comes to B';
    isnt cookies($anna, 'PHPSESSID')->{'/contact/B'}, $old, 'with a session of that one';
    wait_for 'A to be drained', 10, sub { ($_ = $site->side('A')->{drain}) eq 'drained' };
};

subtest 'the cut-off' => sub {
    my $dora = $site->browser;
    my $token = $site->token(side => 'A', login => time - 8 * 3600 + 600);
    $dora->jar->put(name => 'abswitch_contact', value => $token, path => '/contact');
    $dora->click('/contact/A/');
    $dora->post_form('/contact/A/login.php', 'person=Dora');
    is $dora->follow->body, 'version 1 step 1 ', 'Dora came early and works on A';
    $dora->jar->put(name => 'abswitch_contact', value => $site->token(side => 'A', login => time - 8 * 3600 - 1),
        path => '/contact');
    my $r = $dora->click('/contact/A/form.php');
    is_deeply [$r->status, $r->location], [302, '/contact?abswitch=expired'], 'her eight hours are over';
    is_deeply [map { $dora->jar->header("/contact/$_/") } qw(A B)], [undef, undef], 'no cookie is left';
    $dora->follow;
    $r = $dora->follow;
    is $r->body, "contacts 2 of nobody, B pass open\n", 'she is somebody new on B';
};

subtest 'a front controller' => sub {
    is scalar($site->{manual} =~ s/# (?=FallbackResource )//g), 2, 'the manual has its lines';
    $site->set_conf('');
    $site->graceful;
    my $emil = $site->browser;
    $emil->type_in('/contact/B/people/7?x=1');
    is $emil->click('/contact/B/people/8?x=1')->body, "contacts 2 of nobody, B pass open\n", 'answers what is no file';
    is $emil->type_in('/contact/A/people/7?x=1')->location, '/contact/B/people/7?x=1', 'a bookmark of the other side';
    is $emil->type_in('/contact/people/7?x=1')->location, '/contact/B/people/7?x=1', 'and of none';
};

$site->log_is_clean;
is -e "$dir/fpm.log" && slurp("$dir/fpm.log") =~ s/^.*NOTICE:.*\n//gmr, '', 'php-fpm has no complaints';
done_testing;
