# What SpamAssassin says of each mail, without asking anybody (as spamassassin -L): rules of half a point and more.
#
#   perl mails_spam.pl FOLDER    reads FOLDER/*.eml, writes FOLDER/results/spam.json: name to problems
use strict;
use warnings;
use File::Basename qw(basename);
use JSON::PP;
use Mail::SpamAssassin;

use constant { RULE_MAX => 0.5, ALL_MAX => 1.0 };

my $folder = $ARGV[0];
my $judge = Mail::SpamAssassin->new({
    local_tests_only => 1, dont_copy_prefs => 1, userprefs_filename => "$folder/user_prefs",
    home_dir_for_helpers => $folder, userstate_dir => $folder,
});
$judge->compile_now(0);
my %results;
for my $file (glob "$folder/*.eml") {
    my $name = basename($file, ".eml");
    open my $handle, "<:raw", $file or die "$file: $!";
    my $octets = do { local $/; <$handle> };
    my $mail = $judge->parse($octets);
    my $status = $judge->check($mail);
    my $scores = $status->get_names_of_tests_hit_with_scores_hash();
    my @problems = map { sprintf "%s: %.1f", $_, $scores->{$_} } grep { $scores->{$_} >= RULE_MAX } sort keys %$scores;
    push @problems, sprintf "all rules together: %.1f", $status->get_score() if $status->get_score() > ALL_MAX;
    $results{$name} = \@problems;
    $status->finish();
    $mail->finish();
}
open my $out, ">", "$folder/results/spam.json" or die "spam.json: $!";
print {$out} encode_json(\%results);
close $out or die "spam.json: $!";
