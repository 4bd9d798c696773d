# SPDX-License-Identifier: Apache-2.0
# axe-core in a page of a real browser: what it finds that keeps people out. t/package-lock.json says which axe-core;
# `make deps-check` has fetched it.
#
#     plan skip_all => ABSwitch::Axe->missing if !ABSwitch::Axe->source;
#     is_deeply [ABSwitch::Axe->findings($person)], [];

package ABSwitch::Axe;
use v5.36;
use ABSwitch::Host qw(repo slurp);

use constant FILE => 't/node_modules/axe-core/axe.min.js';

sub missing ($class) { return 'axe-core is not here' }

# Its text; undef if it is not here.
sub source ($class) {
    state $source = -e repo(FILE) ? slurp(repo(FILE)) : undef;
    return $source;
}

# Serious and critical findings, a line each: rule, what it says, the first element.
sub findings ($class, $person) {
    my $found = $person->run($class->source . <<'JS');
;return axe.run(document).then(r => r.violations.filter(v => v.impact == 'serious' || v.impact == 'critical')
    .map(v => v.id + ': ' + v.help + ': ' + v.nodes.map(n => n.html).slice(0, 3).join(' ')));
JS
    return @$found;
}

1;
