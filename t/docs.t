#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# The manual says what the module does: no directive, verdict, field or metric too few or too many; every example is
# accepted by httpd, and every link leads somewhere.

use v5.36;
use utf8;
use Encode qw(decode);
use File::Basename qw(dirname);
use List::Util qw(uniq);
use Test::More;
use ABSwitch::Host qw(repo slurp);
use ABSwitch::Httpd;
use ABSwitch::Site;

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;

my @PAPERS = map { s{\A\Q${\ repo()}\E/}{}r } repo('README.md'), repo('SECURITY.md'), glob repo('docs/*.md');
my %TEXT = map { $_ => decode('UTF-8', slurp(repo($_)), Encode::FB_CROAK) } @PAPERS;

# Modules that the examples need beyond those that every test has.
my @MODULES = qw(proxy_fcgi proxy_wstunnel remoteip cache cache_disk authn_core authn_file auth_basic authz_user
    auth_form session session_cookie request);
push @MODULES, qw(unique_id security2) if -e ABSwitch::HttpdConf::_file('security2');

my $httpd = ABSwitch::Httpd->new(name => 'docs', modules => \@MODULES);

# --- what a paper holds ---------------------------------------------------------------------------------

# [info, text, line] of every fenced block; the info is what stands behind the first fence.
sub blocks ($text) {
    my (@blocks, $open);
    my $number = 0;
    for my $line (split /\n/, $text, -1) {
        $number++;
        if ($line =~ /\A\s*```(.*)/) {
            $open ? undef $open : push @blocks, $open = [$1, '', $number];
        }
        elsif ($open) {
            $open->[1] .= "$line\n";
        }
    }
    return @blocks;
}

sub without_blocks ($text) {
    return $text =~ s/^\s*```.*?^\s*```$//gmsr;
}

# The anchors of a paper's headings, as GitHub makes them.
sub anchors ($text) {
    my @titles = map { s/`|\\//gr } without_blocks($text) =~ /^#+ +(.+?)\s*$/mg;
    return map { lc =~ s/[^\w\- ]//gr =~ s/ /-/gr } @titles;
}

# The entries of the reference: directive => text.
sub entries () {
    my ($head, @parts) = split /^## (ABSwitch\w*)\n/m, $TEXT{'docs/directives.md'};
    return @parts;
}

# --- the papers -----------------------------------------------------------------------------------------

subtest 'links' => sub {
    for my $paper (@PAPERS) {
        my $base = dirname($paper);
        for my $link (uniq without_blocks($TEXT{$paper}) =~ /\]\(([^)\s]+)\)/g) {
            next if $link =~ m{\Ahttps://};
            my ($file, $anchor) = $link =~ /\A([^#]*)#?(.*)\z/;
            my $target = $file eq '' ? $paper : "$base/$file" =~ s{\A\./}{}r;
            1 while $target =~ s{[^/]+/\.\./}{};
            ok -e repo($target), "$paper: $link" or next;
            next if $anchor eq '';
            ok scalar(grep { $_ eq $anchor } anchors($TEXT{$target})), "$paper: the heading of $link";
        }
    }
};

my @directives = slurp(repo('src/module/directives.c')) =~ /AP_INIT_\w+\("<?(ABSwitch\w*)"/g;
ok @directives > 20, 'the module has directives';

subtest 'directives' => sub {
    my %entry = entries();
    is_deeply [sort keys %entry], [sort @directives], 'each has an entry, and no other has';
    for my $name (@directives) {
        my $text = $entry{$name} // '';
        my @rows = $text =~ /^\| (Description|Syntax|Default|Context) +\| \S.* \|$/mg;
        is_deeply \@rows, [qw(Description Syntax Default Context)], "$name: what a reader looks up";
        like $text, qr/^\| Syntax \| `<?\Q$name\E[ `]/m, "$name: its syntax is its own";
        ok scalar(grep { $_->[0] =~ /\Aapache/ && $_->[1] =~ /^\s*<?\Q$name\E\b/m } blocks($text)),
            "$name: an example";
    }
    my %is_one = map { $_ => 1 } @directives;
    for my $file (@PAPERS, map { s{.*/(?=conf/)}{}r } glob repo('conf/*.conf')) {
        my @named = uniq slurp(repo($file)) =~ /\b(ABSwitch[A-Z]\w+)/g;
        is_deeply [grep { !$is_one{$_} } @named], [], "$file names none that there is not";
    }
};

# The string literals of a folder's sources, those in a row joined.
sub literals ($dir) {
    my $source = join "\n", map { slurp($_) } glob repo("$dir/*.c");
    return join "\n", map { s/"\s*"//gr } $source =~ /("(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*)/g;
}

subtest 'reasons of an unknown drain' => sub {
    my @reasons;
    for my $table (['docs/upgrade.md', 'The drain is unknown'], ['docs/cluster.md', 'Reasons of an unknown drain']) {
        my ($paper, $title) = @$table;
        my ($text) = $TEXT{$paper} =~ /^### \Q$title\E\n(.*?)^### /ms;
        my (undef, undef, @rows) = $text =~ /^\| (.*?) \|/mg;
        ok @rows > 5, "the table of $paper is there";
        push @reasons, grep { !/\Athe server's address/ } @rows;
    }
    my $said = literals('src/core');
    for my $reason (@reasons) {
        my @missing = grep { $_ ne '' && $_ ne 's' && index($said, $_) < 0 } map { s/\A | \z//gr } split /…/, $reason;
        is_deeply \@missing, [], $reason;
    }
};

# Which of the parts of a sentence, parted by "…", nobody says.
sub unsaid ($sentence, $said) {
    return grep { $_ ne '' && index($said, $_) < 0 } map { s/\A | \z//gr } split /…/, $sentence;
}

subtest 'what abswitchctl complains of' => sub {
    my ($text) = $TEXT{'docs/abswitchctl.md'} =~ /^## When it fails\n(.*)/ms;
    my (undef, undef, @rows) = $text =~ /^\| (.*?) \|/mg;
    ok @rows > 10, 'the table is there';
    my $said = literals('src/ctl') . literals('src/core') . literals('src/module');
    is_deeply [unsaid($_, $said)], [], $_ for map { /`(.*?)`/g } @rows;
};

# --- configurations -------------------------------------------------------------------------------------

# Where the examples want a file that must exist, this test's own.
sub localized ($text) {
    my $keys = $httpd->write('conf/keys', 'k ' . '0f' x 32 . "\n", 0600);
    return $text =~ s{/etc/apache2/abswitch\.keys}{$keys}gr;
}

# Lines of a section, with what a section must have and they lack.
sub in_section ($text) {
    my $head = '';
    $head .= "ABSwitchLaunchpad /contact\n" if $text !~ /^\s*ABSwitchLaunchpad/m;
    for my $side (qw(A B)) {
        $head .= "ABSwitchSide $side /contact/$side\n" if $text !~ /^\s*ABSwitchSide $side /m;
    }
    return "<ABSwitch contact>\n$head$text</ABSwitch>\n";
}

sub loads_ok ($conf, $name) {
    my ($exit, $output) = $httpd->configtest($conf);
    return is($exit, 0, $name) || diag $output;
}

subtest 'examples' => sub {
    for my $paper (@PAPERS) {
        for my $block (grep { $_->[0] =~ /\Aapache/ } blocks($TEXT{$paper})) {
            my ($info, $text, $line) = @$block;
            like $info, qr/\Aapache(?: section)?\z/, "$paper:$line: what it is";
            loads_ok(localized($info eq 'apache section' ? in_section($text) : $text), "$paper:$line");
        }
    }
};

# conf.t loads the files as they are.
subtest 'abswitch-full.conf' => sub {
    my $full = slurp(repo('conf/abswitch-full.conf'));
    is_deeply [grep { $full !~ /^\s*#?<?$_\b/m } @directives], [], 'it has every directive';
    my $all = $full =~ s/^\s*\K#(?=(?:ABSwitch|CustomLog)\w* )//gmr;
    isnt $all, $full, 'some lines are left to the reader';
    # An application has one launchpad: the one with a page stands for the other.
    $all =~ s/^\s*ABSwitchLaunchpad \S+\n//m;
    loads_ok(localized($all), 'it loads with them');
};

# --- what the module shows ------------------------------------------------------------------------------

# The names of all fields, however deep. Objects by side, verdict or time have data for names, not fields.
sub fields ($data) {
    return map { fields($_) } @$data if ref $data eq 'ARRAY';
    return if ref $data ne 'HASH' || exists $data->{A} || exists $data->{pass} || exists $data->{'+Inf'};
    return map { ($_, fields($data->{$_})) } keys %$data;
}

subtest 'the status page' => sub {
    my $site = ABSwitch::Site->new->start;
    $site->flip('B');
    my $client = $site->client;
    my $json = $client->get('/abswitch-status?format=json')->json;
    my %said = map { $_ => 1 } $TEXT{'docs/status.md'} =~ /`(\w+)`/g;
    my @fields = sort(uniq(fields($json)));
    ok @fields > 30, 'there are fields';
    is_deeply [grep { !$said{$_} } @fields], [], 'every field is explained';
    my ($side) = $TEXT{'docs/status.md'} =~ /^### A side\n(.*?)^\S*[^|\s]/ms;
    is_deeply [sort map { /`(\w+)`/g } $side =~ /^\| (`.*?) \|/mg], [sort keys $json->{apps}[0]{sides}[0]->%*],
        'and no other one of a side';

    my @verdicts = sort keys $json->{apps}[0]{verdicts}->%*;
    my ($table) = $TEXT{'docs/decision.md'} =~ /^## The table\n(.*?)^## /ms;
    my ($others) = $table =~ /^Three more verdicts(.*)/m;
    my @told = ($table =~ /\| `(\w+)` \|$/mg, $others =~ /`(\w+)`/g);
    is_deeply [sort(uniq(@told))], \@verdicts, 'the verdicts are those of the table';

    my @metrics = sort $client->get('/abswitch-status?format=prometheus')->body =~ /^# TYPE (\S+)/mg;
    my @rows = sort $TEXT{'docs/monitoring.md'} =~ /^\| `(abswitch_\w+)` \|/mg;
    is_deeply \@rows, \@metrics, 'the metrics';
    my $text = $client->get('/abswitch-status?format=text')->body;
    like $text, qr/^contact\.A\.$_: /m, "the text has a line for $_" for qw(drain sessions);
    like $text, qr/^contact\.trouble: none$/m, 'and for trouble';
    $site->log_is_clean;
};

done_testing;
