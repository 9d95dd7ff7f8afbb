//! Loading a stage's state from its hash.

use marabet_stage::{Driver, Stage};
use redis::Value;

use crate::connect::Connection;
use crate::error::LogError;
use crate::wire;

/// Fields asked for at once.
const PAGE: usize = 1000;

/// Drops what the driver holds and loads what commits have written.
///
/// The caller holds the fence, so that nobody writes meanwhile. A scan may return a field twice,
/// which loads it twice.
pub(crate) async fn load_state<S: Stage>(
    connection: &mut Connection,
    key: &str,
    driver: &mut Driver<S>,
) -> Result<(), LogError> {
    let unexpected = || LogError::unexpected("HSCAN", &Value::Nil);
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    let mut cursor = "0".to_owned();
    // Redis ends a scan of a hash that nobody changes after as many pages as it has.
    loop {
        let mut command = redis::cmd("HSCAN");
        command.arg(key).arg(&cursor).arg("COUNT").arg(PAGE);
        let answer = wire::array(connection.ask(&command).await?).ok_or_else(unexpected)?;
        let [next, page] = <[Value; 2]>::try_from(answer).map_err(|_| unexpected())?;
        let mut page = wire::array(page).ok_or_else(unexpected)?.into_iter();
        while let (Some(field), Some(Value::BulkString(value))) = (page.next(), page.next()) {
            fields.push((wire::text(&field).ok_or_else(unexpected)?.to_owned(), value));
        }
        cursor = wire::text(&next).ok_or_else(unexpected)?.to_owned();
        if cursor == "0" {
            break;
        }
    }
    driver.load(fields.iter().map(|(field, value)| (&**field, &**value)))?;
    Ok(())
}
