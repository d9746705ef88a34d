using Formation.Inference.Kernels.Memory;

namespace Formation.Inference.Kernels.MachineCode;

/// <summary>Code pages of the operating system.</summary>
internal sealed unsafe class SystemCodePages : ICodePages
{
    public static SystemCodePages Instance { get; } = new();

    public byte* TryMap(nuint bytes) => SystemPages.TryMap(bytes);

    public bool TryMakeExecutable(byte* pages, nuint bytes) => SystemPages.TryMakeExecutable(pages, bytes);

    public void Unmap(byte* pages, nuint bytes) => SystemPages.Unmap(pages, bytes);
}
