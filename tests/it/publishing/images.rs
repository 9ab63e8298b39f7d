use postiljon::clock::Clock;
use postiljon::files::Files;
use postiljon::model::ImageVariant;
use postiljon::publishing::images::{FILE_MAX_OCTETS, ImageError, Images, add};

use crate::support::database::both_dbs;
use crate::support::samples::NOW;

/// The smallest picture that there is: one pixel.
pub const GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

both_dbs!(the_same_file_is_one_image_and_its_files_are_there, |store| {
    let (clock, images) = (Clock::test(NOW), Images::new(Files::in_memory()));
    let first = add(&store, &clock, &images, None, "Een punt", GIF.to_vec()).await.expect("kept");
    let again = add(&store, &clock, &images, None, "", GIF.to_vec()).await.expect("kept");
    assert_eq!((first.public_id, first.alt.as_str()), (again.public_id, "Een punt"));
    assert_eq!((first.width, first.height, again.alt.as_str()), (1, 1, ""));
    for variant in ImageVariant::ALL {
        let file = images.files.get(&first.file(*variant)).await.expect("read").expect("there");
        assert!(file.starts_with(b"\x89PNG"), "{variant}");
    }
});

both_dbs!(a_file_that_is_no_picture_leaves_nothing, |store| {
    let (clock, images) = (Clock::test(NOW), Images::new(Files::in_memory()));
    for file in [b"<svg/>".to_vec(), vec![0; FILE_MAX_OCTETS + 1], GIF[..20].to_vec()] {
        assert!(add(&store, &clock, &images, None, "x", file).await.is_err());
    }
    let long = add(&store, &clock, &images, None, &"x".repeat(501), GIF.to_vec()).await;
    assert!(matches!(long, Err(ImageError::AltTooLong)));
    let mut reader = store.read().await.expect("a reader");
    assert!(postiljon::store::images::latest(reader.db(), 9).await.expect("read").is_empty());
});

both_dbs!(two_who_hand_in_the_same_file_at_once_get_one_image, |store| {
    let (clock, images) = (Clock::test(NOW), Images::new(Files::in_memory()));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (store, clock, images) = (store.clone(), clock.clone(), images.clone());
            tokio::spawn(async move { add(&store, &clock, &images, None, "x", GIF.to_vec()).await })
        })
        .collect();
    let mut found = std::collections::BTreeSet::new();
    for task in tasks {
        found.insert(task.await.expect("a task").expect("kept").public_id);
    }
    assert_eq!(found.len(), 1);
});
