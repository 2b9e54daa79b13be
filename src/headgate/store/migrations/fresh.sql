CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE credential (
	id VARCHAR NOT NULL,
	principal VARCHAR NOT NULL,
	models TEXT NOT NULL,
	digest VARCHAR NOT NULL,
	created_ns BIGINT NOT NULL,
	revoked_ns BIGINT, root VARCHAR, until_ns BIGINT,
	PRIMARY KEY (id),
	UNIQUE (digest)
);
CREATE TABLE decision (
	journal VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	at_ns BIGINT NOT NULL,
	record TEXT NOT NULL,
	PRIMARY KEY (journal, number)
);
CREATE TABLE freeze (
	node VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (node)
);
CREATE TABLE journal (
	name VARCHAR NOT NULL,
	seq INTEGER NOT NULL,
	"offset" BIGINT NOT NULL,
	ended BOOLEAN NOT NULL, node VARCHAR DEFAULT '' NOT NULL,
	PRIMARY KEY (name)
);
CREATE TABLE lease (
	journal VARCHAR NOT NULL,
	window VARCHAR NOT NULL,
	granted_nanos BIGINT NOT NULL,
	posted_nanos BIGINT NOT NULL,
	held_nanos BIGINT NOT NULL,
	PRIMARY KEY (journal, window)
);
CREATE TABLE refusal (
	call VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	principal VARCHAR NOT NULL,
	team VARCHAR NOT NULL,
	"key" VARCHAR NOT NULL,
	run VARCHAR,
	asked VARCHAR NOT NULL,
	code VARCHAR NOT NULL,
	message TEXT NOT NULL,
	budget VARCHAR, chain TEXT DEFAULT '[]' NOT NULL,
	PRIMARY KEY (call)
);
CREATE INDEX refusal_by_time ON refusal (at_ns);
CREATE TABLE window (
	window VARCHAR NOT NULL,
	budget VARCHAR NOT NULL,
	posted_nanos BIGINT NOT NULL,
	held_nanos BIGINT NOT NULL,
	unaccounted_nanos BIGINT NOT NULL,
	PRIMARY KEY (window)
);
CREATE TABLE audit (
	seq INTEGER NOT NULL,
	at_ns BIGINT NOT NULL,
	actor VARCHAR NOT NULL,
	action VARCHAR NOT NULL,
	subject VARCHAR NOT NULL,
	detail TEXT NOT NULL,
	hash VARCHAR NOT NULL,
	PRIMARY KEY (seq)
);
CREATE TABLE spend_sample (
	window VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	posted_nanos BIGINT NOT NULL,
	PRIMARY KEY (window, at_ns)
);
CREATE TABLE alarm (
	window VARCHAR NOT NULL,
	since_ns BIGINT NOT NULL,
	PRIMARY KEY (window)
);
CREATE TABLE webhook (
	id VARCHAR NOT NULL,
	told_seq INTEGER NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE caller (
	id INTEGER NOT NULL,
	journal VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	principal VARCHAR NOT NULL,
	team VARCHAR NOT NULL,
	"key" VARCHAR NOT NULL,
	run VARCHAR,
	windows TEXT NOT NULL, chain TEXT DEFAULT '[]' NOT NULL, tags TEXT DEFAULT '[]' NOT NULL, waived TEXT DEFAULT '[]' NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE route (
	id INTEGER NOT NULL,
	journal VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	asked VARCHAR NOT NULL,
	deployment VARCHAR NOT NULL,
	dialect VARCHAR NOT NULL,
	via VARCHAR,
	PRIMARY KEY (id)
);
CREATE TABLE "attempt" (
	attempt VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	hold_nanos BIGINT NOT NULL,
	caller INTEGER NOT NULL,
	route INTEGER NOT NULL,
	decision INTEGER NOT NULL,
	input_tokens_max BIGINT NOT NULL,
	output_tokens_max BIGINT NOT NULL,
	choices INTEGER NOT NULL,
	stream BOOLEAN NOT NULL,
	ended_ns BIGINT,
	state VARCHAR NOT NULL,
	posted_nanos BIGINT NOT NULL,
	final BOOLEAN NOT NULL,
	served_model VARCHAR,
	upstream_id VARCHAR,
	upstream_request_id VARCHAR,
	status INTEGER NOT NULL,
	reason VARCHAR,
	ttft_us BIGINT,
	duration_us BIGINT NOT NULL,
	closed_by VARCHAR NOT NULL,
	usage TEXT NOT NULL,
	lines TEXT NOT NULL, cache TEXT, lost TEXT DEFAULT '[]' NOT NULL, priority VARCHAR DEFAULT 'interactive' NOT NULL, waited_us BIGINT DEFAULT '0' NOT NULL, session VARCHAR, quarantined TEXT, sizing TEXT, extensions INTEGER DEFAULT '0' NOT NULL, request_id VARCHAR,
	PRIMARY KEY (attempt)
);
CREATE UNIQUE INDEX caller_by_number ON caller (journal, number);
CREATE UNIQUE INDEX route_by_number ON route (journal, number);
CREATE INDEX attempt_by_time ON attempt (at_ns);
CREATE INDEX attempt_held ON attempt (caller) WHERE state = 'held';
CREATE TABLE outcome (
	principal VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	subject VARCHAR NOT NULL,
	team VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	success BOOLEAN NOT NULL,
	value_nanos BIGINT,
	human_seconds INTEGER,
	task VARCHAR,
	note TEXT, reopened INTEGER DEFAULT '0' NOT NULL,
	PRIMARY KEY (principal, kind, subject)
);
CREATE TABLE revocation (
	delegation VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	PRIMARY KEY (delegation)
);
CREATE TABLE allotment (
	window VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	amount_nanos BIGINT NOT NULL,
	parents TEXT NOT NULL,
	"key" VARCHAR NOT NULL,
	chain TEXT NOT NULL,
	node VARCHAR NOT NULL,
	until_ns BIGINT,
	carved_ns BIGINT NOT NULL,
	ended_ns BIGINT,
	PRIMARY KEY (window)
);
CREATE TABLE approval (
	id VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	expires_ns BIGINT NOT NULL,
	status VARCHAR NOT NULL,
	rule VARCHAR NOT NULL,
	principal VARCHAR NOT NULL,
	shown TEXT NOT NULL,
	digest VARCHAR NOT NULL,
	call VARCHAR NOT NULL,
	journal VARCHAR,
	decided_by VARCHAR,
	decided_ns BIGINT,
	reason TEXT,
	used_by VARCHAR,
	PRIMARY KEY (id)
);
CREATE INDEX ix_approval_status ON approval (status);
CREATE TABLE budget_raise (
	approval VARCHAR NOT NULL,
	budget VARCHAR NOT NULL,
	by_nanos BIGINT NOT NULL,
	until_ns BIGINT NOT NULL,
	ended_ns BIGINT,
	PRIMARY KEY (approval)
);
CREATE TABLE run (
	principal VARCHAR NOT NULL,
	run VARCHAR NOT NULL,
	parent VARCHAR,
	agent VARCHAR NOT NULL,
	depth INTEGER NOT NULL,
	state VARCHAR NOT NULL,
	budget_nanos BIGINT,
	created_ns BIGINT NOT NULL,
	changed_ns BIGINT NOT NULL,
	PRIMARY KEY (principal, run)
);
CREATE INDEX attempt_of_session ON attempt (session) WHERE session IS NOT NULL;
CREATE TABLE adjustment (
	id VARCHAR NOT NULL,
	journal VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	amount_nanos BIGINT NOT NULL,
	windows TEXT NOT NULL,
	reason VARCHAR NOT NULL,
	source TEXT NOT NULL,
	made_by VARCHAR NOT NULL,
	attempt VARCHAR,
	PRIMARY KEY (id)
);
CREATE INDEX adjustment_of_attempt ON adjustment (attempt);
CREATE INDEX adjustment_by_time ON adjustment (at_ns);
CREATE TABLE rolled_hour (
	hour_ns BIGINT NOT NULL,
	building VARCHAR,
	PRIMARY KEY (hour_ns)
);
CREATE TABLE rollup (
	side VARCHAR NOT NULL,
	hour_ns BIGINT NOT NULL,
	name VARCHAR NOT NULL,
	calls INTEGER NOT NULL,
	refused INTEGER NOT NULL,
	spend_nanos BIGINT NOT NULL,
	estimated_calls INTEGER NOT NULL,
	estimated_nanos BIGINT NOT NULL,
	unknown_calls INTEGER NOT NULL,
	PRIMARY KEY (side, hour_ns, name)
);
CREATE TABLE reconciled (
	provider VARCHAR NOT NULL,
	model VARCHAR NOT NULL,
	day VARCHAR NOT NULL,
	reason VARCHAR NOT NULL,
	booked_nanos BIGINT NOT NULL,
	told_nanos BIGINT,
	calls INTEGER NOT NULL,
	told_calls INTEGER,
	checked_ns BIGINT NOT NULL,
	PRIMARY KEY (provider, model, day)
);
CREATE TABLE followed (
	follower VARCHAR NOT NULL,
	journal VARCHAR NOT NULL,
	seq INTEGER NOT NULL,
	"offset" BIGINT NOT NULL,
	PRIMARY KEY (follower, journal)
);
CREATE TABLE shadow (
	window VARCHAR NOT NULL,
	attempts BIGINT NOT NULL,
	amount_nanos BIGINT NOT NULL,
	first_ns BIGINT NOT NULL,
	PRIMARY KEY (window)
);
CREATE TABLE budget_period (
	window VARCHAR NOT NULL,
	limit_nanos BIGINT NOT NULL,
	PRIMARY KEY (window)
);
CREATE TABLE node (
	id VARCHAR NOT NULL,
	beat DATETIME NOT NULL,
	given_up BOOLEAN NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE node_lease (
	node VARCHAR NOT NULL,
	window VARCHAR NOT NULL,
	granted_nanos BIGINT NOT NULL,
	posted_nanos BIGINT NOT NULL,
	held_nanos BIGINT NOT NULL,
	lost_nanos BIGINT NOT NULL,
	given_up_nanos BIGINT NOT NULL,
	PRIMARY KEY (node, window)
);
CREATE TABLE pool (
	window VARCHAR NOT NULL,
	counted_nanos BIGINT NOT NULL,
	carved_nanos BIGINT NOT NULL,
	PRIMARY KEY (window)
);
CREATE TABLE node_want (
	node VARCHAR NOT NULL,
	window VARCHAR NOT NULL,
	until DATETIME NOT NULL,
	PRIMARY KEY (node, window)
);
CREATE TABLE shared_value (
	name VARCHAR NOT NULL,
	value VARCHAR NOT NULL,
	PRIMARY KEY (name)
);
CREATE TABLE vote (
	seq INTEGER NOT NULL,
	at_ns BIGINT NOT NULL,
	principal VARCHAR NOT NULL,
	team VARCHAR NOT NULL,
	kind VARCHAR NOT NULL,
	subject VARCHAR NOT NULL,
	source VARCHAR NOT NULL,
	score_ppm INTEGER NOT NULL,
	label VARCHAR,
	comment TEXT,
	replaces INTEGER,
	attempt VARCHAR NOT NULL,
	call_ns BIGINT NOT NULL,
	deployment VARCHAR NOT NULL,
	model VARCHAR NOT NULL,
	journal VARCHAR NOT NULL,
	decision INTEGER NOT NULL,
	expected_ppm INTEGER,
	propensity_ppm INTEGER,
	clusters TEXT DEFAULT '[]' NOT NULL,
	PRIMARY KEY (seq)
);
CREATE INDEX vote_by_time ON vote (principal, at_ns);
CREATE TABLE preference (
	seq INTEGER NOT NULL,
	at_ns BIGINT NOT NULL,
	principal VARCHAR NOT NULL,
	team VARCHAR NOT NULL,
	pair VARCHAR NOT NULL,
	preferred VARCHAR NOT NULL,
	over VARCHAR NOT NULL,
	preferred_model VARCHAR NOT NULL,
	over_model VARCHAR NOT NULL,
	call_ns BIGINT NOT NULL,
	PRIMARY KEY (seq)
);
CREATE INDEX preference_by_pair ON preference (principal, pair);
CREATE INDEX preference_by_time ON preference (principal, at_ns);
CREATE TABLE quality_alarm (
	deployment VARCHAR NOT NULL,
	source VARCHAR NOT NULL,
	model VARCHAR NOT NULL,
	since_ns BIGINT NOT NULL,
	seq INTEGER NOT NULL,
	votes INTEGER NOT NULL,
	usual_ppm INTEGER NOT NULL,
	now_ppm INTEGER NOT NULL,
	ended_ns BIGINT,
	PRIMARY KEY (deployment, source)
);
CREATE TABLE batch (
	id VARCHAR NOT NULL,
	principal VARCHAR NOT NULL,
	wire VARCHAR NOT NULL,
	node VARCHAR NOT NULL,
	stage VARCHAR NOT NULL,
	created_ns BIGINT NOT NULL,
	record TEXT NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX batch_of_principal ON batch (principal, created_ns);
CREATE INDEX batch_by_stage ON batch (stage);
CREATE TABLE stored_file (
	id VARCHAR NOT NULL,
	principal VARCHAR NOT NULL,
	node VARCHAR NOT NULL,
	size BIGINT NOT NULL,
	created_ns BIGINT NOT NULL,
	record TEXT NOT NULL, expires_ns BIGINT DEFAULT '0' NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX file_of_principal ON stored_file (principal, created_ns);
CREATE TABLE hooked (
	hook VARCHAR NOT NULL,
	mark VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	PRIMARY KEY (hook, mark)
);
CREATE INDEX hooked_by_time ON hooked (at_ns);
CREATE INDEX caller_of_run ON caller (run) WHERE run IS NOT NULL;
CREATE INDEX vote_by_subject ON vote (principal, kind, subject, source, seq);
CREATE INDEX vote_of_attempt ON vote (attempt, source, seq);
CREATE TABLE batch_key (
	principal VARCHAR NOT NULL,
	"key" VARCHAR NOT NULL,
	fingerprint VARCHAR NOT NULL,
	batch VARCHAR NOT NULL,
	at_ns BIGINT NOT NULL,
	PRIMARY KEY (principal, "key")
);
CREATE INDEX batch_key_by_age ON batch_key (at_ns);
CREATE INDEX batch_key_of_batch ON batch_key (batch);
CREATE INDEX file_by_end ON stored_file (expires_ns);
CREATE INDEX attempt_of_response ON attempt (upstream_id) WHERE substr(upstream_id, 1, 5) = 'resp_';
INSERT INTO alembic_version (version_num) VALUES ('0031');
