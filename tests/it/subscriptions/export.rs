use postiljon::subscriptions::export::export_csv;
use postiljon::subscriptions::show::dossier;

use crate::support::database::both_dbs;
use crate::support::people::{People, address};

both_dbs!(an_export_is_csv_that_no_spreadsheet_runs, |store| {
    let people = People::of(&store).await;
    let stamp = people.stamp();
    let mut form = people.form("=cmd|x@example.org", &stamp, 1);
    form.name = "@SUM(1,\"2\")";
    people.send(&form).await.expect("signed up");
    people.confirmed("jan@example.org", 2).await;
    let mut out = Vec::new();
    let rows = export_csv(&people.store, Some(people.newsletter.id), &mut out).await.expect("exported");
    assert_eq!(rows, 2);
    let mut reader = csv::Reader::from_reader(out.as_slice());
    let records: Vec<csv::StringRecord> = reader.records().map(|record| record.expect("CSV")).collect();
    assert_eq!(records[0].get(0), Some("'=cmd|x@example.org"));
    assert_eq!(records[0].get(1), Some("'@SUM(1,\"2\")"));
    assert_eq!((records[1].get(2), records[1].get(3)), (Some("insights"), Some("confirmed")));
});

both_dbs!(a_dossier_holds_everything_as_json, |store| {
    let people = People::of(&store).await;
    people.confirmed("jan@example.org", 1).await;
    let dossier = dossier(&people.store, &address("jan@example.org")).await.expect("read").expect("known");
    let json = serde_json::to_value(&dossier).expect("JSON");
    assert_eq!(json["subscriber"]["address"], "jan@example.org");
    assert_eq!(json["consents"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["consent_texts"][0]["language"], "nl");
    assert!(json["deliveries"].as_array().is_some_and(Vec::is_empty));
});
