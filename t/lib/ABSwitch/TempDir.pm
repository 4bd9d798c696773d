# SPDX-License-Identifier: Apache-2.0
# A directory for one test file: gone when the file ends, kept (and named) when it has failed or ABSWITCH_KEEP is
# set. Everybody may enter it, since httpd's children are somebody else.
#
#     my $dir = temp_dir('memcached');
#     my $socket = "$dir/socket";

package ABSwitch::TempDir;
use v5.36;
use Exporter qw(import);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use Test::More ();

our @EXPORT = qw(temp_dir);

umask 022;
my $owner = $$;
my @made;

sub temp_dir ($name) {
    push @made, tempdir("abswitch-$name-XXXXXX", TMPDIR => 1);
    chmod 0755, $made[-1];
    return $made[-1];
}

# Not sooner: only the end knows whether the test died.
END {
    if ($$ == $owner) {
        my $keep = $? || $ENV{ABSWITCH_KEEP} || !Test::More->builder->is_passing;
        $keep ? Test::More::diag("kept $_") : remove_tree($_) for @made;
    }
}

1;
