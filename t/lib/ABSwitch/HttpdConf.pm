# SPDX-License-Identifier: Apache-2.0
# A complete httpd.conf for a test's server, of the modules this httpd has, built in or to be loaded. The text
# of a test may use ${ROOT} (the server's directory) and ${PORT}.

package ABSwitch::HttpdConf;
use v5.36;
use ABSwitch::Host qw(apxs repo run);

my @MODULES = qw(unixd watchdog log_config authz_core authz_host dir mime env setenvif headers alias rewrite
    include proxy proxy_http);

sub httpd () {
    return apxs('SBINDIR') . '/' . apxs('PROGNAME');
}

# The MPMs that there are.
sub mpms () {
    return grep { _built_in()->{$_} || -e _file("mpm_$_") } qw(event worker prefork);
}

# name of an unprivileged user for the children, when we are root
sub user () {
    return if $> != 0;
    return (grep { defined getpwnam $_ } qw(www-data apache daemon nobody))[0];
}

# What access_log() of a test's server reads.
use constant LOG_FORMAT => '%>s\t%r\t%{ABSWITCH_APP}e\t%{ABSWITCH_SIDE}e\t%{ABSWITCH_VERDICT}e\t%P';

# mpm, root, port, module (load ours), modules (more of httpd's, or "-name" for fewer), log_level, log_format, conf
sub text (%o) {
    my $user = user();
    return join "\n",
        "Define ROOT $o{root}",
        "Define PORT $o{port}",
        _load($o{mpm}, $o{modules}->@*),
        ($o{module} ? 'LoadModule abswitch_module ' . repo('build/mod_abswitch.so') : ()),
        ($user ? ("User $user", 'Group #' . (getpwnam $user)[3]) : ()),
        'LogLevel ' . ($o{log_level} // 'info' . ($o{module} ? ' abswitch:debug' : '')),
        sprintf('LogFormat "%s" abswitch', $o{log_format} // LOG_FORMAT),
        _common(),
        $o{conf} // '', '';
}

# Enough children and threads that a test sees several of each, few enough for a small machine.
sub _common () {
    return <<'CONF';
ServerRoot "${ROOT}"
ServerName localhost
DefaultRuntimeDir run
PidFile logs/httpd.pid
Listen 127.0.0.1:${PORT}
ErrorLog logs/error_log
CustomLog logs/access_log abswitch
Timeout 60
KeepAliveTimeout 60
GracefulShutdownTimeout 5
<IfModule !mpm_prefork_module>
    StartServers 2
    ThreadsPerChild 16
    MinSpareThreads 16
    MaxSpareThreads 64
    MaxRequestWorkers 64
</IfModule>
<IfModule mpm_prefork_module>
    StartServers 4
    MinSpareServers 2
    MaxSpareServers 8
    MaxRequestWorkers 64
</IfModule>
<IfModule mime_module>
    TypesConfig conf/mime.types
</IfModule>
<IfModule dir_module>
    DirectoryIndex index.html index.shtml
</IfModule>
DocumentRoot "${ROOT}/htdocs"
<Directory />
    AllowOverride None
</Directory>
<IfModule include_module>
    <Directory "${ROOT}/htdocs">
        Options +Includes
        AddOutputFilter INCLUDES .shtml
    </Directory>
</IfModule>
CONF
}

sub mime_types () {
    return "text/html html shtml\ntext/css css\nimage/svg+xml svg\napplication/json json\ntext/plain txt\n";
}

sub _load ($mpm, @changes) {
    my %without = map { s/\A-//r => 1 } grep { /\A-/ } @changes;
    my %seen;
    my @names = grep { !$without{$_} && !$seen{$_}++ } @MODULES, grep { !/\A-/ } @changes;
    return _load_one("mpm_$mpm", $mpm), map { _load_one($_, "mod_$_") } @names;
}

sub _load_one ($name, $source) {
    return if _built_in()->{$source};
    return "LoadModule ${name}_module " . _file($name);
}

sub _file ($name) {
    return apxs('LIBEXECDIR') . "/mod_$name.so";
}

sub _built_in () {
    state $names = { map { $_ => 1 } (run(httpd(), '-l'))[1] =~ /^\s+(\w+)\.c$/mg };
    return $names;
}

1;
