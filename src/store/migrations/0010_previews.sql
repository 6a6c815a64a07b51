-- RFC 8970: the beginning of the text, as people read it. Null in older rows, and where nothing is known.
ALTER TABLE message_texts ADD COLUMN preview text;
