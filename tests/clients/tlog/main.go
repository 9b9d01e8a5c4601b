// A stranger who verifies a Muniment log with Go's stock tooling: golang.org/x/mod/sumdb (note, tlog) and transparency-dev
// (merkle, formats). It knows nothing of Muniment but the bytes of an entry, which export.go makes from an export.
//
//	tlog PLACE [LOG]
//
// PLACE is a directory: key (verifier keys), checkpoint, old.checkpoint, consistency, *.tlog-proof, and export.jsonl and witness.key,
// if they are there. LOG is the URL or the directory of the log's tiles; without it, it is PLACE. TOKEN is sent to a URL.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	flog "github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	log.SetFlags(0)
	place := os.Args[1]
	tiles := source(place)
	if len(os.Args) > 2 {
		tiles = source(os.Args[2])
	}
	v := verifiers(place)
	newest, old := v.open(read(place, "checkpoint")), v.open(read(place, "old.checkpoint"))
	hashes := tlog.TileHashReader(tree(newest), tiles)
	entries := bundles(tiles, newest.Size, hashes)
	for _, name := range proofs(place) {
		v.inclusion(read(place, name), newest, hashes, entries)
	}
	v.consistency(read(place, "consistency"), old, newest, hashes)
	if _, err := os.Stat(filepath.Join(place, "export.jsonl")); err == nil {
		export(read(place, "export.jsonl"), newest, entries)
	}
	fmt.Printf("verified %d entries of %s\n", newest.Size, newest.Origin)
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func require(holds bool, format string, values ...any) {
	if !holds {
		log.Fatalf(format, values...)
	}
}

func read(place, name string) []byte {
	return must(os.ReadFile(filepath.Join(place, name)))
}

func proofs(place string) []string {
	found := must(filepath.Glob(filepath.Join(place, "*.tlog-proof")))
	for at, path := range found {
		found[at] = filepath.Base(path)
	}
	return found
}

// The keys of the log, and of a witness whose cosignature is then required.
type keys struct {
	logs    map[string]note.Verifier
	witness note.Verifier
}

func verifiers(place string) keys {
	found := keys{logs: map[string]note.Verifier{}}
	for line := range strings.Lines(string(read(place, "key"))) {
		verifier := must(note.NewVerifier(strings.TrimSpace(line)))
		found.logs[verifier.Name()] = verifier
	}
	if text, err := os.ReadFile(filepath.Join(place, "witness.key")); err == nil {
		found.witness = must(fnote.NewVerifierForCosignatureV1(strings.TrimSpace(string(text))))
	}
	return found
}

// open verifies a checkpoint twice: as a signed note, and as a checkpoint of this origin.
func (k keys) open(text []byte) flog.Checkpoint {
	origin, _, _ := strings.Cut(string(text), "\n")
	verifier, known := k.logs[origin]
	require(known, "no key of %q", origin)
	opened := must(note.Open(text, note.VerifierList(verifier)))
	require(len(opened.Sigs) == 1, "%d signatures by the log", len(opened.Sigs))
	var others []note.Verifier
	if k.witness != nil {
		others = append(others, k.witness)
	}
	checkpoint, _, parsed, err := flog.ParseCheckpoint(text, origin, verifier, others...)
	must(checkpoint, err)
	require(len(parsed.Sigs) == 1+len(others), "%d signatures by known keys", len(parsed.Sigs))
	return *checkpoint
}

func tree(checkpoint flog.Checkpoint) tlog.Tree {
	return tlog.Tree{N: int64(checkpoint.Size), Hash: tlog.Hash(checkpoint.Hash)}
}

// A source of tiles, by the paths of C2SP tlog-tiles: a directory, or a URL.
type source string

func (s source) get(path string) ([]byte, error) {
	if !strings.HasPrefix(string(s), "http") {
		return os.ReadFile(filepath.Join(string(s), path))
	}
	request := must(http.NewRequest("GET", string(s)+"/"+path, nil))
	request.Header.Set("Authorization", "Bearer "+os.Getenv("TOKEN"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(response.Body)
}

func (s source) Height() int { return height }

func (s source) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		// Go's own paths have the height, which is always 8 in C2SP's.
		data, err := s.get(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (s source) SaveTiles([]tlog.Tile, [][]byte) {}

// bundles returns all entries of the tree. Each is hashed, and its hash is the one that the tiles have under the signed root.
func bundles(tiles source, size uint64, hashes tlog.HashReader) [][]byte {
	var entries [][]byte
	for number := int64(0); uint64(len(entries)) < size; number++ {
		width := int(min(256, size-uint64(len(entries))))
		path := tlog.Tile{H: height, L: 0, N: number, W: width}.Path()
		rest := must(tiles.get(strings.Replace(path, "tile/8/0/", "tile/entries/", 1)))
		for range width {
			require(len(rest) >= 2, "a bundle is too short")
			length := int(binary.BigEndian.Uint16(rest))
			require(len(rest) >= 2+length, "a bundle is too short")
			entries = append(entries, rest[2:2+length])
			rest = rest[2+length:]
		}
		require(len(rest) == 0, "a bundle is too long")
	}
	for index, entry := range entries {
		stored := must(hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(index))}))[0]
		require(stored == tlog.RecordHash(entry), "entry %d is not the one whose hash is in the tree", index)
	}
	return entries
}

func (k keys) inclusion(text []byte, newest flog.Checkpoint, hashes tlog.HashReader, entries [][]byte) {
	var parsed fproof.TLogProof
	if err := parsed.Unmarshal(text); err != nil {
		log.Fatal(err)
	}
	checkpoint := k.open(parsed.Checkpoint)
	require(parsed.Index < uint64(len(entries)), "no entry %d", parsed.Index)
	leaf := tlog.RecordHash(entries[parsed.Index])
	var theirs tlog.RecordProof
	var path [][]byte
	for _, hash := range parsed.Hashes {
		theirs, path = append(theirs, hash), append(path, bytes.Clone(hash[:]))
	}
	head := tree(checkpoint)
	if err := tlog.CheckRecord(theirs, head.N, head.Hash, int64(parsed.Index), leaf); err != nil {
		log.Fatal(err)
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, parsed.Index, checkpoint.Size, leaf[:], path, checkpoint.Hash); err != nil {
		log.Fatal(err)
	}
	if checkpoint.Size == newest.Size {
		ours := must(tlog.ProveRecord(head.N, int64(parsed.Index), hashes))
		require(fmt.Sprint(ours) == fmt.Sprint(theirs), "Go makes another proof from the tiles")
	}
}

// consistency verifies the body that a C2SP tlog-witness takes: "old SIZE", hashes, an empty line, the newer checkpoint.
func (k keys) consistency(text []byte, old, newest flog.Checkpoint, hashes tlog.HashReader) {
	head, signed, found := strings.Cut(string(text), "\n\n")
	require(found, "a consistency proof has an empty line")
	lines := strings.Split(head, "\n")
	checkpoint := k.open([]byte(signed))
	require(lines[0] == fmt.Sprintf("old %d", old.Size) && checkpoint.Size == newest.Size, "a consistency proof of other sizes")
	var theirs tlog.TreeProof
	var path [][]byte
	for _, line := range lines[1:] {
		hash := must(tlog.ParseHash(line))
		theirs, path = append(theirs, hash), append(path, bytes.Clone(hash[:]))
	}
	before, after := tree(old), tree(checkpoint)
	if err := tlog.CheckTree(theirs, after.N, after.Hash, before.N, before.Hash); err != nil {
		log.Fatal(err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, old.Size, checkpoint.Size, path, old.Hash, checkpoint.Hash); err != nil {
		log.Fatal(err)
	}
	ours := must(tlog.ProveTree(after.N, before.N, hashes))
	require(fmt.Sprint(ours) == fmt.Sprint(theirs), "Go makes another proof from the tiles")
}

func hashed(value []byte) []byte {
	sum := sha256.Sum256(value)
	return sum[:]
}
