-- A data base as the first version of the service left it: a plan in force, one device at work, one waiting.
BEGIN TRANSACTION;
CREATE TABLE components (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        identifier TEXT NOT NULL UNIQUE, type TEXT NOT NULL, created REAL NOT NULL);
INSERT INTO "components" VALUES(1,'modem','BC25','module',1.7954600279369289875e+09);
CREATE TABLE devices (id INTEGER PRIMARY KEY AUTOINCREMENT,
        product_key TEXT NOT NULL REFERENCES products(product_key), dk TEXT NOT NULL, secret TEXT NOT NULL,
        nonce TEXT NOT NULL, disabled INTEGER NOT NULL, connections INTEGER NOT NULL, model TEXT NOT NULL,
        module_version TEXT, mcu_versions JSON NOT NULL, readings JSON NOT NULL, created REAL NOT NULL, seen REAL,
        UNIQUE (product_key, dk));
INSERT INTO "devices" VALUES(1,'pkold','dev1x','bb693d0c6c7dcd653fd568469c29e60e','fce7646fbb0853c2',0,1,'BC25','V1','{}','{"battery": 80, "signal": -80, "voltage_mv": 3300, "free_space": 500000}',1.79546002807138919835e+09,1.79546002809237861637e+09);
INSERT INTO "devices" VALUES(2,'pkold','dev2x','60dd2bc914a45bb335092f720c122590','dfdf29047791c07e',0,1,'BC25','V1','{}','{"battery": 80, "signal": -80, "voltage_mv": 3300, "free_space": 500000}',1.79546002817780852318e+09,1.79546002818447422979e+09);
CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, plan INTEGER NOT NULL, dk TEXT NOT NULL,
        time REAL NOT NULL, text TEXT NOT NULL, component TEXT NOT NULL);
INSERT INTO "log" VALUES(1,1,'dev1x',1.79546002811196279526e+09,'The device initiates an OTA upgrade request. Module firmware version: V1.','');
INSERT INTO "log" VALUES(2,1,'dev1x',1.79546002811196279526e+09,'Issuing Upgrade plan: Component Identifier: BC25, Targeted Version: V2.','BC25');
INSERT INTO "log" VALUES(3,1,'dev1x',1.79546002811196279526e+09,'Result of issuing the OTA upgrade plan: OK.','');
INSERT INTO "log" VALUES(4,1,'dev1x',1.79546002813583946227e+09,'Reported upgrade status of component BC25 : Upgrade Plan is Available.','BC25');
INSERT INTO "log" VALUES(5,1,'dev1x',1.79546002815082216255e+09,'Reported upgrade status of component BC25 : Upgrade Confirmed.','BC25');
INSERT INTO "log" VALUES(6,1,'dev1x',1.79546002815082216255e+09,'Device Confirmed Upgrade.','BC25');
INSERT INTO "log" VALUES(7,1,'dev1x',1.79546002815082216255e+09,'Issue the URL to upgrade.','BC25');
INSERT INTO "log" VALUES(8,1,'dev1x',1.79546002815082216255e+09,'Result of issuing the OTA upgrade URL: OK.','BC25');
INSERT INTO "log" VALUES(9,1,'dev1x',1.79546002816617298126e+09,'Reported upgrade status of component BC25 : Downloading.','BC25');
CREATE TABLE packages (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        component_type TEXT NOT NULL, package_type TEXT NOT NULL, source_version TEXT NOT NULL,
        target_version TEXT NOT NULL, remarks TEXT NOT NULL, state TEXT NOT NULL, files JSON NOT NULL,
        created REAL NOT NULL);
INSERT INTO "packages" VALUES(1,'package1','module','full','','V2','','Not Verified','[{"name": "image.bin", "size": 29, "sha256": "3ddb5593b68188624b604c4613db81c11ffda620890baeb4a6f7feec39f82c0d", "md5": "36f1e36f4deffd58795d9f57f598547c", "crc": 1563265861}]',1.79546002791582059859e+09);
CREATE TABLE plan_devices (id INTEGER PRIMARY KEY AUTOINCREMENT,
        plan INTEGER NOT NULL REFERENCES plans(id), dk TEXT NOT NULL, status TEXT NOT NULL, due INTEGER NOT NULL,
        retries INTEGER NOT NULL, cancelling INTEGER NOT NULL, app INTEGER NOT NULL, appointed_from REAL,
        appointed_to REAL, refused_until REAL, started REAL, ended REAL, UNIQUE (plan, dk));
INSERT INTO "plan_devices" VALUES(1,1,'dev1x','Upgrading',0,0,0,0,NULL,NULL,NULL,1.79546002815082216255e+09,NULL);
CREATE TABLE plans (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        product_key TEXT NOT NULL REFERENCES products(product_key), kind TEXT NOT NULL, status TEXT NOT NULL,
        document JSON NOT NULL, start REAL NOT NULL, "end" REAL NOT NULL, created REAL NOT NULL, activated REAL);
INSERT INTO "plans" VALUES(1,'plan2','pkold','normal','Upgrading','{"components": [{"identifier": "BC25", "type": "module", "package": "1", "package_type": "full", "target_version": "V2", "source_version": "", "specified_versions": [], "size": 29}], "mode": "silent", "whitelist": [], "blacklist": [], "time_zone": "UTC", "push_actively": true, "push_period": "00:00-24:00", "rejection_minutes": 120, "strategy": {"retries": 5, "min_signal": -113, "min_battery": 30, "platform_filter": false}, "texts": {"zh": "", "en": ""}}',1.7e+09,2.11168402800296974171e+09,1.79546002800484132762e+09,1.7954600280269727707e+09);
INSERT INTO "plans" VALUES(2,'plan3','pkold','normal','To be Upgraded','{"components": [{"identifier": "BC25", "type": "module", "package": "1", "package_type": "full", "target_version": "V2", "source_version": "", "specified_versions": [], "size": 29}], "mode": "user-confirmed", "whitelist": ["dev2x"], "blacklist": [], "time_zone": "UTC", "push_actively": true, "push_period": "00:00-24:00", "rejection_minutes": 120, "strategy": {"retries": 5, "min_signal": -113, "min_battery": 30, "platform_filter": false}, "texts": {"zh": "", "en": "new"}}',1.7e+09,2.11168402803963494297e+09,1.79546002804046392438e+09,1.79546002805146622657e+09);
CREATE TABLE products (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
        project INTEGER REFERENCES projects(id), product_key TEXT NOT NULL UNIQUE, product_secret TEXT NOT NULL,
        created REAL NOT NULL);
INSERT INTO "products" VALUES(1,'water',1,'pkold','secretold',1.79546002785982227326e+09);
CREATE TABLE projects (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, created REAL NOT NULL);
INSERT INTO "projects" VALUES(1,'meters',1.79546002785099267961e+09);
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, plan INTEGER NOT NULL REFERENCES plans(id),
        dk TEXT NOT NULL, position INTEGER NOT NULL, status TEXT NOT NULL, progress INTEGER NOT NULL,
        tries INTEGER NOT NULL, source_version TEXT NOT NULL, claimed INTEGER NOT NULL, connection INTEGER NOT NULL,
        UNIQUE (plan, dk, position));
INSERT INTO "tasks" VALUES(1,1,'dev1x',0,'Downloading',0,0,'V1',0,1);
CREATE TABLE tokens (digest TEXT PRIMARY KEY, created REAL NOT NULL);
INSERT INTO "tokens" VALUES('803c66da04d8a5abc41d4e63e2fabac3893ce6a532602e960ead79f3f3325941',1.79546002761619949341e+09);
CREATE TABLE verifications (id INTEGER PRIMARY KEY AUTOINCREMENT,
        package INTEGER NOT NULL REFERENCES packages(id), plan INTEGER NOT NULL REFERENCES plans(id), dk TEXT NOT NULL,
        component TEXT NOT NULL, state TEXT NOT NULL, started REAL NOT NULL, deadline REAL NOT NULL);
CREATE INDEX plan_devices_due ON plan_devices (due);
CREATE INDEX plan_devices_dk ON plan_devices (dk);
CREATE INDEX tasks_dk ON tasks (dk, status);
CREATE INDEX log_device ON log (plan, dk);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('projects',1);
INSERT INTO "sqlite_sequence" VALUES('products',1);
INSERT INTO "sqlite_sequence" VALUES('packages',1);
INSERT INTO "sqlite_sequence" VALUES('components',1);
INSERT INTO "sqlite_sequence" VALUES('plans',2);
INSERT INTO "sqlite_sequence" VALUES('devices',2);
INSERT INTO "sqlite_sequence" VALUES('plan_devices',1);
INSERT INTO "sqlite_sequence" VALUES('tasks',1);
INSERT INTO "sqlite_sequence" VALUES('log',9);
COMMIT;
