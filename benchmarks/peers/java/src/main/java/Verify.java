import com.amazon.ion.IonBlob;
import com.amazon.ion.IonReader;
import com.amazon.ion.IonSequence;
import com.amazon.ion.IonStruct;
import com.amazon.ion.IonSystem;
import com.amazon.ion.IonText;
import com.amazon.ion.IonValue;
import com.amazon.ion.system.IonSystemBuilder;
import com.amazon.ionhash.IonHashReader;
import com.amazon.ionhash.IonHashReaderBuilder;
import com.amazon.ionhash.MessageDigestIonHasherProvider;
import java.io.ByteArrayInputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Verifies stream records with AWS's Java libraries, a tree of values for each record: a revision's
 * hash, and of a block the root over its summaries, the hash of its transaction, its entries hash
 * and its block hash.
 *
 * Arguments: a file of records back to back, and how many passes to warm up with. Prints the CPU
 * seconds of the pass behind these, the number of records, and of those that do not verify.
 */
public final class Verify {
    private static final IonSystem ION = IonSystemBuilder.standard().build();
    private static final MessageDigestIonHasherProvider SHA_256 =
        new MessageDigestIonHasherProvider("SHA-256");

    public static void main(String[] arguments) throws Exception {
        byte[] records = Files.readAllBytes(Path.of(arguments[0]));
        for (int pass = Integer.parseInt(arguments[1]); pass > 0; pass--) {
            verify(records);
        }
        long started = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        int[] counted = verify(records);
        long spent = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - started;
        System.out.printf("%.6f %d %d%n", spent / 1e9, counted[0], counted[1]);
    }

    private static int[] verify(byte[] records) throws Exception {
        int count = 0;
        int wrong = 0;
        Iterator<IonValue> values = ION.iterate(new ByteArrayInputStream(records));
        while (values.hasNext()) {
            IonStruct record = (IonStruct) values.next();
            String type = ((IonText) record.get("recordType")).stringValue();
            IonStruct payload = (IonStruct) record.get("payload");
            boolean holds = true;
            if (type.equals("REVISION_DETAILS")) {
                holds = holds((IonStruct) payload.get("revision"));
            } else if (type.equals("BLOCK_SUMMARY")) {
                holds = blockHolds(payload);
            }
            count++;
            wrong += holds ? 0 : 1;
        }
        return new int[] {count, wrong};
    }

    private static boolean holds(IonStruct revision) throws Exception {
        IonValue data = revision.get("data");
        if (data == null) {
            return true;
        }
        byte[] computed = dot(hash(revision.get("metadata")), hash(data));
        return MessageDigest.isEqual(computed, bytes(revision.get("hash")));
    }

    private static boolean blockHolds(IonStruct block) throws Exception {
        List<byte[]> entries = blobs((IonSequence) block.get("entriesHashList"));
        boolean holds = listed(entries, hash(block.get("transactionInfo")));
        List<byte[]> revisions = new ArrayList<>();
        IonSequence summaries = (IonSequence) block.get("revisionSummaries");
        if (summaries != null) {
            for (IonValue summary : summaries) {
                revisions.add(bytes(((IonStruct) summary).get("hash")));
            }
        }
        holds &= revisions.isEmpty() || listed(entries, root(revisions));
        byte[] root = root(entries);
        holds &= MessageDigest.isEqual(root, bytes(block.get("entriesHash")));
        byte[] hash = dot(root, bytes(block.get("previousBlockHash")));
        return holds && MessageDigest.isEqual(hash, bytes(block.get("blockHash")));
    }

    private static boolean listed(List<byte[]> entries, byte[] hash) {
        return entries.stream().anyMatch(entry -> MessageDigest.isEqual(entry, hash));
    }

    private static List<byte[]> blobs(IonSequence values) {
        List<byte[]> found = new ArrayList<>();
        for (IonValue value : values) {
            found.add(bytes(value));
        }
        return found;
    }

    private static byte[] bytes(IonValue value) {
        return value == null ? new byte[0] : ((IonBlob) value).getBytes();
    }

    private static byte[] hash(IonValue value) throws Exception {
        if (value == null) {
            return new byte[0];
        }
        IonReader reader = ION.newReader(value);
        try (IonHashReader hashing =
                 IonHashReaderBuilder.standard().withHasherProvider(SHA_256).withReader(reader).build()) {
            while (hashing.next() != null) {
                // Reading is hashing.
            }
            return hashing.digest();
        }
    }

    private static byte[] root(List<byte[]> leaves) throws Exception {
        List<byte[]> level = leaves;
        while (level.size() > 1) {
            List<byte[]> above = new ArrayList<>();
            for (int i = 0; i + 1 < level.size(); i += 2) {
                above.add(dot(level.get(i), level.get(i + 1)));
            }
            if (level.size() % 2 == 1) {
                above.add(level.get(level.size() - 1));
            }
            level = above;
        }
        return level.isEmpty() ? new byte[0] : level.get(0);
    }

    private static byte[] dot(byte[] left, byte[] right) throws Exception {
        if (left.length == 0 || right.length == 0) {
            return left.length == 0 ? right : left;
        }
        boolean leftFirst = true;
        for (int i = left.length - 1; i >= 0; i--) {
            if (left[i] != right[i]) {
                leftFirst = left[i] < right[i];
                break;
            }
        }
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(leftFirst ? left : right);
        digest.update(leftFirst ? right : left);
        return digest.digest();
    }
}
