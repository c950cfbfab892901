//! Where addresses are, and whose networks they belong to: `MaxMind` files that the settings name. A file that is replaced
//! is read again; one that cannot be read leaves the one before in force.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use maxminddb::{Reader, geoip2};
use serde_json::{Value, json};
use vestibule_directory::client::Located;

/// A file and what was read of it.
struct File {
    path: PathBuf,
    read: ArcSwapOption<(SystemTime, Reader<Vec<u8>>)>,
}

impl File {
    fn open(path: &Path) -> Result<Self, String> {
        let read = load(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), read: ArcSwapOption::from_pointee(read) })
    }

    /// Reads the file again where it has changed.
    fn refresh(&self) {
        let changed = std::fs::metadata(&self.path).and_then(|file| file.modified()).ok();
        let present = self.read.load().as_ref().map(|read| read.0);
        if changed.is_none() || changed == present {
            return;
        }
        match load(&self.path) {
            Ok(read) => self.read.store(Some(Arc::new(read))),
            Err(error) => tracing::warn!(file = %self.path.display(), error, "a MaxMind file cannot be read"),
        }
    }
}

fn load(path: &Path) -> Result<(SystemTime, Reader<Vec<u8>>), String> {
    let changed = std::fs::metadata(path).and_then(|file| file.modified()).map_err(|error| error.to_string())?;
    Ok((changed, Reader::open_readfile(path).map_err(|error| error.to_string())?))
}

/// What the files tell.
#[derive(Clone, Default)]
pub struct GeoIp {
    city: Option<Arc<File>>,
    asn: Option<Arc<File>>,
}

impl GeoIp {
    /// Opens files.
    ///
    /// # Errors
    /// One that cannot be read, in a sentence.
    pub fn open(city: Option<&Path>, asn: Option<&Path>) -> Result<Self, String> {
        let open = |path: Option<&Path>| path.map(File::open).transpose().map(|file| file.map(Arc::new));
        Ok(Self { city: open(city)?, asn: open(asn)? })
    }

    /// Whether there is a file at all.
    pub fn is_set(&self) -> bool {
        self.city.is_some() || self.asn.is_some()
    }

    /// Reads files again that have changed.
    pub fn refresh(&self) {
        for file in [&self.city, &self.asn].into_iter().flatten() {
            file.refresh();
        }
    }

    /// What is known of an address.
    pub fn locate(&self, address: IpAddr) -> Located {
        Located { geo: self.place(address).unwrap_or_default(), asn: self.network(address).unwrap_or_default() }
    }

    fn place(&self, address: IpAddr) -> Option<Value> {
        let read = self.city.as_ref()?.read.load_full()?;
        let city: geoip2::City<'_> = read.1.lookup(address).ok()?.decode().ok()??;
        Some(json!({
            "continent": city.continent.code, "country": city.country.iso_code, "lat": city.location.latitude,
            "long": city.location.longitude, "city": city.city.names.english.unwrap_or_default(),
        }))
    }

    fn network(&self, address: IpAddr) -> Option<Value> {
        let read = self.asn.as_ref()?.read.load_full()?;
        let found = read.1.lookup(address).ok()?;
        let asn: geoip2::Asn<'_> = found.decode().ok()??;
        let network = found.network().ok()?.to_string();
        let (number, organization) = (asn.autonomous_system_number, asn.autonomous_system_organization);
        Some(json!({"asn": number, "as_org": organization, "network": network}))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A value as the format writes it (<https://maxmind.github.io/MaxMind-DB/>): maps, texts, numbers.
    fn encode(value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Object(object) => {
                out.push(0b1110_0000 | u8::try_from(object.len()).unwrap());
                for (name, value) in object {
                    encode(&json!(name), out);
                    match (name.as_str(), value.as_u64()) {
                        ("build_epoch", Some(number)) => {
                            out.extend([0b0000_1000, 2]);
                            out.extend(number.to_be_bytes());
                        }
                        (name, Some(number)) if name.ends_with("version") || name == "record_size" => {
                            out.push(0b1010_0010);
                            out.extend(u16::try_from(number).unwrap().to_be_bytes());
                        }
                        _ => encode(value, out),
                    }
                }
            }
            Value::Array(items) => {
                out.extend([u8::try_from(items.len()).unwrap(), 4]);
                for item in items {
                    encode(item, out);
                }
            }
            Value::String(text) => {
                let length = u8::try_from(text.len()).unwrap();
                if length < 29 {
                    out.push(0b0100_0000 | length);
                } else {
                    out.extend([0b0101_1101, length - 29]);
                }
                out.extend(text.as_bytes());
            }
            Value::Number(number) if number.is_f64() => {
                out.push(0b0110_1000);
                out.extend(number.as_f64().unwrap().to_be_bytes());
            }
            Value::Number(number) => {
                out.push(0b1100_0100);
                out.extend(u32::try_from(number.as_u64().unwrap()).unwrap().to_be_bytes());
            }
            other => panic!("{other}"),
        }
    }

    /// A file that knows one thing about the addresses below 128.0.0.0, and nothing about the others.
    fn write(path: &Path, kind: &str, value: &Value) {
        let mut file = vec![0, 0, 17, 0, 0, 1];
        file.extend([0; 16]);
        encode(value, &mut file);
        file.extend(b"\xab\xcd\xefMaxMind.com");
        let metadata: BTreeMap<&str, Value> = [
            ("binary_format_major_version", json!(2)),
            ("binary_format_minor_version", json!(0)),
            ("build_epoch", json!(1)),
            ("database_type", json!(kind)),
            ("description", json!({})),
            ("ip_version", json!(4)),
            ("languages", json!(["en"])),
            ("node_count", json!(1)),
            ("record_size", json!(24)),
        ]
        .into();
        encode(&json!(metadata), &mut file);
        std::fs::write(path, file).unwrap();
    }

    #[test]
    fn files_are_read_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let (city, asn) = (folder.path().join("city.mmdb"), folder.path().join("asn.mmdb"));
        let berlin = json!({
            "city": {"names": {"en": "Berlin"}}, "continent": {"code": "EU"}, "country": {"iso_code": "DE"},
            "location": {"latitude": 52.5, "longitude": 13.25},
        });
        write(&city, "GeoLite2-City", &berlin);
        let network = json!({"autonomous_system_number": 64_496, "autonomous_system_organization": "Example"});
        write(&asn, "GeoLite2-ASN", &network);
        let geoip = GeoIp::open(Some(&city), Some(&asn)).unwrap();
        let known = geoip.locate("1.2.3.4".parse().unwrap());
        let place = json!({"continent": "EU", "country": "DE", "lat": 52.5, "long": 13.25, "city": "Berlin"});
        assert_eq!(known.geo, place);
        assert_eq!(known.asn, json!({"asn": 64_496, "as_org": "Example", "network": "0.0.0.0/1"}));
        assert_eq!(geoip.locate("192.0.2.1".parse().unwrap()), Located::default());
        // What is no such file leaves the one before in force; what is one takes its place.
        std::fs::write(&city, "nonsense").unwrap();
        geoip.refresh();
        assert_eq!(geoip.locate("1.2.3.4".parse().unwrap()).geo, place);
        write(&city, "GeoLite2-City", &json!({"country": {"iso_code": "FR"}}));
        std::fs::File::open(&city).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        geoip.refresh();
        assert_eq!(geoip.locate("1.2.3.4".parse().unwrap()).geo["country"], "FR");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        assert!(GeoIp::open(Some(Path::new("/nowhere.mmdb")), None).err().unwrap().contains("/nowhere.mmdb"));
        assert!(!GeoIp::default().is_set());
    }
}
