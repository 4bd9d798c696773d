# SPDX-License-Identifier: Apache-2.0
# The session token, written a second time from its description so that the tests do not take the module's word.
#
#     my $token = make_token(secret => $hex, app => 'contact', side => 'A');    # kid, login, id, flags if you like
#     my $fields = read_token($token, secret => $hex, app => 'contact');        # undef: no token

package ABSwitch::Token;
use v5.36;
use Digest::SHA qw(hmac_sha256);
use Exporter qw(import);
use MIME::Base64 qw(encode_base64url decode_base64url);

our @EXPORT = qw(make_token read_token);

sub _tag ($secret_hex, $app, $signed) {
    my $key = hmac_sha256('mod_abswitch/1 token', pack 'H*', $secret_hex);
    return encode_base64url(substr hmac_sha256("mod_abswitch/1\0$app\0$signed", $key), 0, 16);
}

# id is 16 raw bytes, login in Unix seconds; flags '-' or 't'. Nothing is checked: tests make bad ones too.
sub make_token (%o) {
    my $id = $o{id} // pack 'C*', map { int rand 256 } 1 .. 16;
    my $signed = join '.', 1, $o{kid} // 'k', $o{side}, $o{flags} // '-', $o{login} // time, encode_base64url($id);
    return $signed . '.' . _tag($o{secret}, $o{app}, $signed);
}

# The fields of a token in canonical form; with a secret and an app also of a right tag.
sub read_token ($token, %o) {
    my %field;
    my ($signed, $id, $tag);
    return if !defined $token;
    ($signed, @field{qw(kid side flags login)}, $id, $tag) = $token =~ /\A
        (1 \. ([A-Za-z0-9]) \. ([A-Za-z0-9_-]{1,16}) \. ([-t]) \. ([1-9][0-9]*) \. ([\w-]{22})) \. ([\w-]{22}) \z/xa
        or return;
    $field{id} = decode_base64url($id);
    return if encode_base64url($field{id}) ne $id;
    return if defined $o{secret} && _tag($o{secret}, $o{app}, $signed) ne $tag;
    return \%field;
}

1;
