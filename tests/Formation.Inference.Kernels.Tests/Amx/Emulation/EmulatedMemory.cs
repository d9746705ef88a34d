namespace Formation.Inference.Kernels.Tests.Amx.Emulation;

/// <summary>The parts of this process's memory that emulated code may touch; anything else is a fault.</summary>
internal sealed unsafe class EmulatedMemory
{
    private readonly List<(nuint First, nuint Bytes, bool Writable)> _parts = [];

    internal void Allow(void* first, long bytes, bool writable) => _parts.Add(((nuint)first, (nuint)bytes, writable));

    internal byte* ForReading(long address, int bytes) => Check(address, bytes, writing: false);

    internal byte* ForWriting(long address, int bytes) => Check(address, bytes, writing: true);

    private byte* Check(long address, int bytes, bool writing)
    {
        foreach (var (first, length, writable) in _parts)
        {
            if ((nuint)address >= first && (nuint)address - first + (nuint)bytes <= length && (writable || !writing))
                return (byte*)address;
        }
        var access = writing ? "write" : "read";
        throw new InvalidOperationException($"{access} of {bytes} bytes at {address:x}, outside of what the code was given");
    }
}
