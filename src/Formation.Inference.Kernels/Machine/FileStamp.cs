using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Formation.Inference.Kernels.Machine;

/// <summary>
/// What the system says of a file without reading it. Two equal stamps of one path mean that nobody has written to the file in between, as far as
/// the system's clock can tell writes apart.
/// </summary>
/// <param name="Inode">Number of the file in its file system; another file under the same name has another one.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ModifiedNanoseconds">When the content was last changed, since 1970. Programs can set it.</param>
/// <param name="ChangedNanoseconds">When content, name or permissions were last changed, since 1970. Programs can't set it.</param>
public readonly partial record struct FileStamp(ulong Inode, long Length, long ModifiedNanoseconds, long ChangedNanoseconds)
{
    // struct statx has the same layout on every architecture, unlike struct stat: statx(2).
    private const int StatBytes = 256;
    private const int InodeOffset = 32;
    private const int LengthOffset = 40;
    private const int BlocksOffset = 48;
    private const int ChangedOffset = 96;
    private const int ModifiedOffset = 112;
    private const int BlockBytes = 512;
    private const int CurrentFolder = -100;
    private const uint BasicFields = 0x7ff;

    /// <summary>The stamp of a file; links are followed.</summary>
    /// <exception cref="IOException">There is none, or it can't be looked at.</exception>
    public static FileStamp Of(string path)
    {
        Span<byte> stat = stackalloc byte[StatBytes];
        Read(path, stat);
        return new FileStamp(
            BinaryPrimitives.ReadUInt64LittleEndian(stat[InodeOffset..]),
            BinaryPrimitives.ReadInt64LittleEndian(stat[LengthOffset..]),
            Nanoseconds(stat[ModifiedOffset..]),
            Nanoseconds(stat[ChangedOffset..]));
    }

    /// <summary>Bytes that a file takes on the disk: fewer than its length where it has holes.</summary>
    /// <exception cref="IOException">There is none, or it can't be looked at.</exception>
    public static long BytesOnDisk(string path)
    {
        Span<byte> stat = stackalloc byte[StatBytes];
        Read(path, stat);
        return BinaryPrimitives.ReadInt64LittleEndian(stat[BlocksOffset..]) * BlockBytes;
    }

    private static long Nanoseconds(ReadOnlySpan<byte> time) =>
        (BinaryPrimitives.ReadInt64LittleEndian(time) * 1_000_000_000) + BinaryPrimitives.ReadUInt32LittleEndian(time[8..]);

    private static unsafe void Read(string path, Span<byte> stat)
    {
        fixed (byte* pointer = stat)
        {
            if (Stat(CurrentFolder, path, 0, BasicFields, pointer) != 0)
                throw new IOException($"'{path}' can't be looked at: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Stat(int folder, string path, int flags, uint mask, byte* stat);
}
