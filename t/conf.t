#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# What is shipped works as it is shipped: every file of conf/ in a httpd that has nothing else of ours.

use v5.36;
use Test::More;
use ABSwitch::Host qw(apxs repo run slurp);
use ABSwitch::Httpd;
use ABSwitch::Memcached;
use ABSwitch::TempDir;
use ABSwitch::Wait;

# Where an administrator's machine has what the tests have elsewhere.
my $module = repo('build/mod_abswitch.so');
my $load = slurp(repo('conf/abswitch.load'));
my $lines = $load =~ s{^LoadModule abswitch_module \K\S+/mod_abswitch\.so$}{$module}gm;
is $lines, 1, 'abswitch.load loads the module';
my @FILES = map { s{.*/}{}r } glob repo('conf/*.conf');
ok @FILES >= 2, 'there are configurations';

# A plain httpd with abswitch.load. Modules that Debian enables by itself and the harness does not load.
sub plain () {
    return ABSwitch::Httpd->new(name => 'conf', module => 0, conf => $load, modules => [qw(authn_core)]);
}

for my $file (@FILES) {
    subtest $file => sub {
        my $httpd = plain();
        my $text = slurp(repo("conf/$file"));
        my $is_cluster = $text =~ /^ABSwitchStore memcache:/m;
        plan skip_all => 'there is no memcached' if $is_cluster && !ABSwitch::Memcached->is_here;

        # A secret that must be there is the one thing that configtest looks for on this machine.
        my $keys = $httpd->write('conf/keys', 'k ' . '0f' x 32 . "\n", 0600);
        $text =~ s{^(ABSwitchSecretFile) \S+}{$1 $keys}m;
        $httpd->write("conf/$file", $text);
        my ($exit, $output) = $httpd->configtest("${load}Include conf/$file");
        is $exit, 0, 'configtest of the file itself' or diag $output;

        # A real start leaves this machine's own directories alone, and addresses that are examples.
        my @stores = map { ABSwitch::Memcached->new->start } $is_cluster ? 1 .. 2 : ();
        $text =~ s{/var/lib/apache2/}{\${ROOT}/run/}g;
        $text =~ s{^(ABSwitchStore memcache:)\S+}{$1 . join ',', map { $_->address } @stores}me;
        $httpd->write("conf/$file", $text);
        # On a busy machine a store that is well may take more than it is given by default.
        $httpd->set_conf("${load}Include conf/$file\n" . ($is_cluster ? "ABSwitchStoreTimeout 5s\n" : ''));
        $httpd->start;
        my ($launchpad) = $text =~ /^\s*ABSwitchLaunchpad (\S+)/m;
        my ($first) = $text =~ /^\s*ABSwitchSide \S+ (\S+)/m;
        my $anna = $httpd->browser;
        my $r = $anna->type_in($launchpad);
        is_deeply [$r->status, $r->location], [302, "$first/"], 'the launchpad sends people to the first side';
        $anna->follow;
        wait_for 'the status page to count them', 10, sub {
            my $whole = $httpd->client->get('/abswitch-status?format=json')->json;
            $_ = ($whole->{apps}[0]{sides}[0]{sessions} // 'null') . ", store $whole->{store}{state}";
            $_ eq '1, store up';
        };
        $httpd->graceful;
        is $anna->type_in($launchpad)->location, "$first/", 'also after a graceful restart';
        # Before its stores are gone, which it would notice.
        $httpd->stop;
        $httpd->log_is_clean;
    };
}

for my $template (qw(demo/httpd.conf.in demo-cluster/front.conf.in)) {
    subtest "conf/$template" => sub {
        my $httpd = plain();
        my $user = $> == 0 ? 'www-data' : getpwuid $>;
        $user = (grep { defined getpwnam $_ } $user, qw(apache daemon nobody))[0];
        my %value = (
            ROOT => $httpd->path, HTDOCS => repo('htdocs'), LIBEXEC => apxs('LIBEXECDIR'), MODULE => $module,
            PORT => $httpd->port, USER => $user, GROUP => scalar getgrgid +(getpwnam $user)[3],
            WEB1 => 8081, WEB2 => 8082, WEB3 => 8083,
        );
        my $text = slurp(repo("conf/$template")) =~ s{\@([A-Z]+[0-9]?)\@}{$value{$1} // "no value for $1"}ger;
        my $file = $httpd->write('conf/demo.conf', $text);
        my ($exit, $output) = run(apxs('SBINDIR') . '/' . apxs('PROGNAME'), '-t', '-f', $file);
        is $exit, 0, 'configtest' or diag $output;
        is $output, "Syntax OK\n", 'without a warning';
    };
}

subtest 'make install' => sub {
    my $root = temp_dir('install');
    my ($exit, $output) = run('make', '-C', repo(), '--no-print-directory', '-o', 'all', 'install', "DESTDIR=$root");
    is $exit, 0, 'into DESTDIR' or diag $output;
    my $installed = "$root" . apxs('LIBEXECDIR') . '/mod_abswitch.so';
    my $httpd = ABSwitch::Httpd->new(name => 'conf', module => 0);
    ($exit, $output) = $httpd->configtest("LoadModule abswitch_module $installed\nABSwitchStore local\n");
    is $exit, 0, 'what is installed loads' or diag $output;
    ($exit, $output) = run("$root/usr/local/bin/abswitchctl", '--version');
    is $exit, 0, 'abswitchctl runs' or diag $output;
    ok -s "$root/usr/local/share/$_", $_ for qw(man/man1/abswitchctl.1 bash-completion/completions/abswitchctl);
    ($exit, $output) = run('make', '-C', repo(), '--no-print-directory', 'uninstall', "DESTDIR=$root");
    is $exit, 0, 'uninstall' or diag $output;
    is((run('find', $root, '-type', 'f'))[1], '', 'nothing is left');
};

done_testing;
