use postiljon::model::ImageType;
use postiljon::store::images::{self, NewImage};
use uuid::Uuid;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::NOW;

both_dbs!(the_same_file_is_one_image, |store| {
    let new = |id: u128| NewImage {
        public_id: Uuid::from_u128(id),
        sha256: &[7; 32],
        media_type: ImageType::Png,
        width: 1072,
        height: 804,
        octets: 12_345,
        alt: "Een brug",
        by: None,
    };
    let kept = change!(store, |tx| images::insert(tx, &new(1), NOW)).expect("new");
    assert_eq!((kept.width, kept.media_type, kept.alt.as_str()), (1072, ImageType::Png, "Een brug"));
    assert!(change!(store, |tx| images::insert(tx, &new(2), NOW)).is_none());
    change!(store, |tx| images::set_alt(tx, kept.id, "De brug"));
    let found = read!(store, |db| images::by_sha256(db, &[7; 32])).expect("there");
    assert_eq!((found.id, found.alt.as_str()), (kept.id, "De brug"));
    assert!(read!(store, |db| images::by_public_id(db, Uuid::from_u128(2))).is_none());
    assert_eq!(read!(store, |db| images::latest(db, 5)).len(), 1);
    assert!(kept.address().ends_with("/mail.png#536x402"), "{}", kept.address());
});
