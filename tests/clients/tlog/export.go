package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	flog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

// A line of `muniment log export`, of the event log or of the issuance log.
type line struct {
	Line       string    `json:"line"`
	Position   int64     `json:"position"`
	RecordedAt time.Time `json:"recorded_at"`
	StreamID   string    `json:"stream_id"`
	Version    int32     `json:"version"`
	SchemaVer  int16     `json:"schema_ver"`
	Type       string    `json:"type"`
	Meta       string    `json:"meta"`
	Data       string    `json:"data"`
	IssuedAt   time.Time `json:"issued_at"`
	Client     string    `json:"client"`
	Secret     string    `json:"secret"`
	JTI        string    `json:"jti"`
}

// export makes the entries from an export's lines. They are those of the bundles, and their root is the one that was signed.
func export(text []byte, newest flog.Checkpoint, entries [][]byte) {
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	leaves := factory.NewEmptyRange(0)
	for text := range strings.Lines(string(text)) {
		var read line
		if err := json.Unmarshal([]byte(text), &read); err != nil {
			require(false, "%s", err)
		}
		if (read.Line != "event" && read.Line != "token") || leaves.End() == newest.Size {
			continue
		}
		entry := read.entry()
		require(bytes.Equal(entry, entries[leaves.End()]), "position %d of the export is not the entry of its bundle", read.Position)
		if err := leaves.Append(rfc6962.DefaultHasher.HashLeaf(entry), nil); err != nil {
			require(false, "%s", err)
		}
	}
	root := must(leaves.GetRootHash(nil))
	require(leaves.End() == newest.Size && bytes.Equal(root, newest.Hash), "the export's root is not the one that was signed")
}

func (l line) entry() []byte {
	if l.Line == "token" {
		head := join([]byte("muniment-token-1\n"), l.Position, l.IssuedAt.UnixMicro(), id(l.Client), id(l.Secret), id(l.JTI))
		return append(head, field(l.Data, 49152)...)
	}
	head := join([]byte("muniment-event-1\n"), l.Position, l.RecordedAt.UnixMicro(), id(l.StreamID), l.Version, l.SchemaVer, int16(len(l.Type)), []byte(l.Type))
	return append(append(head, field(l.Meta, 12288)...), field(l.Data, 49152)...)
}

func field(value string, most int) []byte {
	if len(value) > most {
		return join(int32(-1), hashed([]byte(value)))
	}
	return join(int32(len(value)), []byte(value))
}

func id(text string) []byte {
	return must(hex.DecodeString(strings.ReplaceAll(text, "-", "")))
}

func join(parts ...any) []byte {
	var joined bytes.Buffer
	for _, part := range parts {
		if err := binary.Write(&joined, binary.BigEndian, part); err != nil {
			require(false, "%s", err)
		}
	}
	return joined.Bytes()
}
