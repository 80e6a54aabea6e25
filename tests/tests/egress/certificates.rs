//! Whom a vendor is believed by, and who the tool says that it is.

use super::secure::{Authority, vendor};
use super::*;

const GRANT: &str = "allow = [\"loopback\"]";

#[test]
fn a_private_authority_is_believed_where_its_file_is_named_and_nowhere_else() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let vendor = vendor(&authority, "localhost", None);
    let url = format!("https://localhost:{}", vendor.port);
    let named = format!("{GRANT}\nca_file = \"ca.pem\"");
    let with = config("receiver", &url, &named);

    let home = waiting(honest(), &config("receiver", &url, GRANT), &[]);
    stays(&home, &[], "certificate");
    let home = waiting(honest(), &with, &[("ca.pem", &stranger.pem())]);
    stays(&home, &[], "certificate");
    let home = waiting(honest(), &with, &[]);
    stays(&home, &[], "[endpoints.receiver] ca_file: cannot read ");
    let home = waiting(honest(), &with, &[("ca.pem", b"nonsense")]);
    stays(&home, &[], "[endpoints.receiver] ca: ");
    assert!(vendor.seen().is_empty(), "nothing was sent to whom nobody vouched for");

    let home = waiting(honest(), &with, &[("ca.pem", &authority.pem())]);
    delivers(&home, &[]);
    assert_eq!(vendor.seen().len(), 1);
}

#[test]
fn a_client_certificate_is_shown_to_a_vendor_that_asks_for_one() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let vendor = vendor(&authority, "localhost", Some(&clients));
    let url = format!("https://localhost:{}", vendor.port);
    let named = format!("{GRANT}\nca_file = \"ca.pem\"");
    let ca = authority.pem();

    let home = waiting(honest(), &config("receiver", &url, &named), &[("ca.pem", &ca)]);
    stays(&home, &[], "the request failed");
    let shown = format!("{named}\nclient_certificate = \"client.pem\"");
    let stranger = Authority::new().identity("greet");
    let files: [(&str, &[u8]); 2] = [("ca.pem", &ca), ("client.pem", &stranger)];
    let home = waiting(honest(), &config("receiver", &url, &shown), &files);
    stays(&home, &[], "the request failed");
    assert!(vendor.seen().is_empty());

    let identity = clients.identity("greet");
    let files: [(&str, &[u8]); 2] = [("ca.pem", &ca), ("client.pem", &identity)];
    let home = waiting(honest(), &config("receiver", &url, &shown), &files);
    delivers(&home, &[]);
    assert_eq!(vendor.seen().len(), 1);
}
