# What SpamAssassin says of mails: `perl spamassassin.pl RULES PLUGINS STATE MAIL...`, a line each: the file, then RULE=SCORE...
# Its own command would do, but makes a folder in the home directory; here whatever it keeps is in STATE.
use strict;
use warnings;
use Mail::SpamAssassin;

my ($rules, $plugins, $state, @mails) = @ARGV;
my $judge = Mail::SpamAssassin->new({
    rules_filename => $rules,
    site_rules_filename => $plugins,
    userprefs_filename => "$state/preferences",
    userstate_dir => $state,
    home_dir_for_helpers => $state,
    LOCAL_STATE_DIR => $state,
    dont_copy_prefs => 1,
    local_tests_only => 1,
    post_config_text => "use_bayes 0\n",
});
for my $path (@mails) {
    open(my $file, '<:raw', $path) or die "$path: $!";
    my $mail = $judge->parse([<$file>], 1);
    my $verdict = $judge->check($mail);
    my $hit = $verdict->get_names_of_tests_hit_with_scores_hash();
    print join("\t", $path, map { "$_=$hit->{$_}" } sort keys %$hit), "\n";
    $verdict->finish();
    $mail->finish();
}
$judge->finish();
