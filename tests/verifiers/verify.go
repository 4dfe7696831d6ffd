// Verifies a published log with Go's own packages: golang.org/x/mod/sumdb/note and .../tlog. None of our code.
//
//	verify DIR VKEY
//
// DIR/log holds the published files, DIR/checkpoints older signed checkpoints, DIR/receipts receipts
// (c2sp.org/tlog-proof), DIR/consistency proofs that lead from one size to another. Ends with 1 at the first thing that
// does not hold.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height, width = 8, 256

func check(err error, what string) {
	if err != nil {
		fmt.Printf("FAILED %s: %v\n", what, err)
		os.Exit(1)
	}
}

func hold(holds bool, what string) {
	if !holds {
		check(fmt.Errorf("it does not hold"), what)
	}
}

func hashOf(text string) tlog.Hash {
	raw, err := base64.StdEncoding.DecodeString(text)
	check(err, "base64")
	hold(len(raw) == tlog.HashSize, "length of a hash")
	var hash tlog.Hash
	copy(hash[:], raw)
	return hash
}

// checkpoint believes a signed checkpoint, or ends the program.
func checkpoint(signed []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err, "signature of a checkpoint")
	lines := strings.Split(opened.Text, "\n")
	hold(lines[0] == verifier.Name(), "origin of a checkpoint")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size of a checkpoint")
	return tlog.Tree{N: size, Hash: hashOf(lines[2])}
}

// files gives tiles as they stand; a partial tile may have become a full one.
type files struct{ root string }

func (files) Height() int                                { return height }
func (files) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.root, path))
		if os.IsNotExist(err) {
			data, err = os.ReadFile(filepath.Join(f.root, strings.Split(path, ".p/")[0]))
			if err == nil {
				data = data[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// entries reads every leaf document of a log of this size.
func entries(root string, size int64) [][]byte {
	var all [][]byte
	for first := int64(0); first < size; first += width {
		tile := tlog.Tile{H: height, L: 0, N: first / width, W: width}
		if size-first < width {
			tile.W = int(size - first)
		}
		path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(root, path))
		check(err, "bundle "+path)
		for len(data) > 0 {
			hold(len(data) >= 2, "bundle "+path)
			length := int(binary.BigEndian.Uint16(data))
			hold(len(data) >= 2+length, "bundle "+path)
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
	}
	hold(int64(len(all)) == size, "number of entries")
	return all
}

// whole hashes every entry anew and compares the root.
func whole(documents [][]byte, tree tlog.Tree) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for index, document := range documents {
		hashes, err := tlog.StoredHashes(int64(index), document, reader)
		check(err, "hashes of an entry")
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	check(err, "root of all entries")
	hold(root == tree.Hash, "root of all entries")
}

func inclusion(documents [][]byte, tree tlog.Tree, reader tlog.HashReader) int {
	step, done := tree.N/997+1, 0
	for index := int64(0); index < tree.N; index += step {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		check(err, "tiles of an inclusion proof")
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(documents[index])), "inclusion from tiles")
		done++
	}
	return done
}

func lines(path string) []string {
	data, err := os.ReadFile(path)
	check(err, path)
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// consistency checks that the older checkpoints lead to the newest, by proofs from the tiles and by the log's own.
func consistency(dir string, verifier note.Verifier, tree tlog.Tree, reader tlog.HashReader) int {
	older, err := filepath.Glob(filepath.Join(dir, "checkpoints", "*"))
	check(err, "older checkpoints")
	for _, path := range older {
		signed, err := os.ReadFile(path)
		check(err, path)
		old := checkpoint(signed, verifier)
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		check(err, "tiles of a consistency proof")
		check(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash), "consistency from tiles")
		var own tlog.TreeProof
		for _, line := range lines(filepath.Join(dir, "consistency", filepath.Base(path))) {
			if line != "" {
				own = append(own, hashOf(line))
			}
		}
		check(tlog.CheckTree(own, tree.N, tree.Hash, old.N, old.Hash), "consistency proof of the log")
	}
	return len(older)
}

// receipts checks the log's own inclusion proofs, each with the checkpoint in it.
func receipts(dir string, verifier note.Verifier) int {
	paths, err := filepath.Glob(filepath.Join(dir, "receipts", "*.tlog-proof"))
	check(err, "receipts")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		check(err, path)
		parts := strings.SplitN(string(data), "\n\n", 2)
		head := strings.Split(parts[0], "\n")
		hold(head[0] == "c2sp.org/tlog-proof@v1", path)
		document, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(head[1], "extra "))
		check(err, path)
		index, err := strconv.ParseInt(strings.TrimPrefix(head[2], "index "), 10, 64)
		check(err, path)
		var proof tlog.RecordProof
		for _, line := range head[3:] {
			proof = append(proof, hashOf(line))
		}
		tree := checkpoint([]byte(parts[1]), verifier)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(document)), path)
	}
	return len(paths)
}

func main() {
	dir, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	check(err, "verifier key")
	signed, err := os.ReadFile(filepath.Join(dir, "log", "checkpoint"))
	check(err, "checkpoint")
	tree := checkpoint(signed, verifier)
	documents := entries(filepath.Join(dir, "log"), tree.N)
	whole(documents, tree)
	reader := tlog.TileHashReader(tree, files{filepath.Join(dir, "log")})
	fmt.Printf("entries=%d inclusion=%d consistency=%d receipts=%d\n", tree.N, inclusion(documents, tree, reader),
		consistency(dir, verifier, tree, reader), receipts(dir, verifier))
}
