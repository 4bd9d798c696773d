# SPDX-License-Identifier: Apache-2.0
# A site with a side of every kind, and tables of requests to it.
#
#     my $site = setup(site());       # A is the current side, E open, too, B draining, C closed
#     rows $site, 'row 7: not nav',
#         ['a script', { at => '/contact/B/', as => 'script' }, passed('B', 'pass')];

package ABSwitch::Sides;
use v5.36;
use Exporter qw(import);
use Test::More;
use ABSwitch::Ask;
use ABSwitch::Site;

our @EXPORT = qw(site setup rows cleared);

use constant {
    LOGOUT => "ABSwitchLogout /logout.shtml /bye/bye.shtml\n",
    SIDES  => [qw(A B C E)],
};
use constant APP => LOGOUT . <<'CONF';
ABSwitchClearCookies JSESSIONID PHPSESSID
ABSwitchRoute B "%{HTTP:X-Route} == 'B'"
ABSwitchRoute E "%{HTTP:X-Route} == 'E'"
CONF

# What ABSwitch::Site takes. One newcomer in a million lands on E, and so none.
sub site (%o) {
    my $site = ABSwitch::Site->new(sides => SIDES, app => APP, %o);
    for my $side (SIDES->@*) {
        $site->write("htdocs/contact/$side/$_", "$side $_\n")
            for qw(logout.shtml bye/bye.shtml page.html sub/index.html missing/page.html);
    }
    return $site;
}

sub setup ($site) {
    $site->start;
    $site->flip('A=1000000 B=0 C=0 E=1 gen=7 at=' . time . ' by=test since=B:' . time . ',C:' . time . ' closed=C');
    return $site;
}

sub rows ($site, $title, @rows) {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest $title => sub { asked $site, @$_ for @rows };
    return;
}

# The cookies that expire: for the side of the path, and for the session's own if that is another.
sub cleared (@sides) {
    my @paths = ('/contact', map { ("/contact/$_", "/contact/$_/") } @sides);
    return join ', ', sort map { my $name = $_; map { "$name gone $_" } @paths } qw(JSESSIONID PHPSESSID);
}

1;
