//! `digest`, `source` and `article import` on the command line.

use super::{newsletter, postiljon};

#[test]
fn a_folder_of_markdown_is_imported_again_and_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let articles = folder.join("articles");
    std::fs::create_dir(&articles).expect("made");
    let write = |name: &str, text: &str| std::fs::write(articles.join(name), text).expect("written");
    write("een.md", "---\ntitle: Een\nlanguage: nl\n---\nEerste.\n");
    write("twee.md", "---\ntitle: Twee\nlanguage: nl\nslug: tweede\nstatus: published\n---\nTweede.\n");
    write("notities.txt", "geen artikel");
    let import = || postiljon(folder, &["article", "import", "articles"], "");
    let first = import();
    assert_eq!(first.code, 0, "{}", first.err);
    assert!(
        first.out.contains("een") && first.out.contains("tweede") && first.out.matches("added").count() == 2
    );
    write("een.md", "---\ntitle: Een\nlanguage: nl\n---\nBeter.\n");
    let again = import();
    assert!(again.out.contains("updated") && again.out.contains("same"), "{}{}", again.out, again.err);
    assert_eq!(import().out.matches("same").count(), 2);
    let shown = postiljon(folder, &["article", "show", "een"], "").out;
    assert!(shown.contains("Beter.") && shown.contains("draft"), "{shown}");
    // A file that is wrong costs those behind it nothing.
    write("drie.md", "geen titel");
    write("vier.md", "---\ntitle: Vier\nlanguage: nl\n---\nVierde.\n");
    let wrong = import();
    assert!(wrong.code == 1 && wrong.err.contains("drie.md"), "{}", wrong.err);
    assert!(wrong.out.contains("vier") && wrong.out.contains("added"), "{}", wrong.out);
}

#[test]
fn pictures_beside_a_file_come_along_and_those_elsewhere_on_the_disk_do_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let articles = folder.join("articles");
    std::fs::create_dir_all(articles.join("pictures")).expect("made");
    std::fs::write(articles.join("pictures/a.png"), png()).expect("written");
    std::fs::write(folder.join("secret.png"), png()).expect("written");
    let text = "---\ntitle: Een\nlanguage: nl\n---\n![Een](pictures/a.png)\n\n![Twee](../secret.png)\n";
    std::fs::write(articles.join("een.md"), text).expect("written");
    let import = || postiljon(folder, &["article", "import", "articles"], "");
    let first = import();
    assert_eq!(first.code, 0, "{}", first.err);
    let shown = postiljon(folder, &["article", "show", "een"], "").out;
    assert!(shown.contains("/images/") && !shown.contains("pictures/a.png"), "{shown}");
    assert!(shown.contains("(../secret.png)"), "{shown}");
    // The same again is the same.
    assert!(import().out.contains("same"));
}

/// A picture of one colour.
fn png() -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(40, 20, image::Rgb([15, 118, 110]));
    picture.write_to(&mut file, image::ImageFormat::Png).expect("written");
    file.into_inner()
}

#[test]
fn digests_and_sources_are_listed_and_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    newsletter(folder);
    let list = postiljon(folder, &["digest", "list", "insights"], "");
    assert_eq!(list.code, 0, "{}", list.err);
    for arguments in [["digest", "preview", "7"], ["digest", "skip", "7"]] {
        let answer = postiljon(folder, &arguments, "");
        assert!(answer.code == 1 && answer.err.contains("there is no digest 7"), "{}", answer.err);
    }
    let added = postiljon(folder, &["source", "add", "http://127.0.0.1:1/feed", "--language", "nl"], "");
    assert!(added.code == 0 && added.out.contains("127.0.0.1 has the id 1"), "{}{}", added.out, added.err);
    let again = postiljon(folder, &["source", "add", "http://127.0.0.1:1/feed"], "");
    assert!(again.code == 1 && again.err.contains("already"), "{}", again.err);
    let fetched = postiljon(folder, &["source", "fetch", "1"], "");
    assert!(fetched.code == 1 && !fetched.err.is_empty(), "{}", fetched.out);
    let listed = postiljon(folder, &["source", "list"], "").out;
    assert!(listed.contains("http://127.0.0.1:1/feed") && !listed.contains("fine"), "{listed}");
}
