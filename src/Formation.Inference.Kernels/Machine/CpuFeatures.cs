using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using System.Text;
using Formation.Inference.Kernels.Amx;

namespace Formation.Inference.Kernels.Machine;

/// <summary>The processor and what it can do, as far as kernels care.</summary>
/// <param name="Name">The manufacturer's name for the processor.</param>
/// <param name="Architecture">For example <c>x64</c> or <c>arm64</c>.</param>
/// <param name="InstructionSets">Vector instruction sets that are there and usable, the widest last.</param>
/// <param name="Amx">Whether x86's matrix tiles can be used, and if not, why.</param>
public sealed record CpuFeatures(string Name, string Architecture, IReadOnlyList<string> InstructionSets, AmxSupport Amx)
{
    /// <summary>Asks the processor, and the system where the processor can't know.</summary>
    public static CpuFeatures Read() => Read(SystemFiles.OfThisMachine);

    internal static CpuFeatures Read(SystemFiles files)
    {
        var cpuInfo = files.Lines("proc/cpuinfo");
        return new CpuFeatures(
            BrandString() ?? Value(cpuInfo, "model name") ?? Value(cpuInfo, "Model") ?? "unknown",
            RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(),
            [.. Usable()],
            TileUnit.Support);
    }

    private static IEnumerable<string> Usable()
    {
        var sets = new (string Name, bool Usable)[]
        {
            ("SSE4.2", Sse42.IsSupported),
            ("NEON", AdvSimd.IsSupported),
            ("DotProd", Dp.IsSupported),
            ("AVX", Avx.IsSupported),
            ("AVX2", Avx2.IsSupported),
            ("FMA", Fma.IsSupported),
            ("AVX-VNNI", AvxVnni.IsSupported),
            ("AVX-512F", Avx512F.IsSupported),
            ("AVX-512BW", Avx512BW.IsSupported),
            ("AVX-512VBMI", Avx512Vbmi.IsSupported),
            ("AVX-512VNNI", Avx512F.IsSupported && FirstPageEcx(bit: 11)),
            ("AVX-512BF16", Avx512F.IsSupported && SecondPageEax(bit: 5)),
        };
        return sets.Where(set => set.Usable).Select(set => set.Name);
    }

    // Leaf 7 of the processor's self-description lists the newer instruction sets, on a first and a second page.
    private static bool HasLeaf7 => X86Base.IsSupported && X86Base.CpuId(0, 0).Eax >= 7;

    private static bool FirstPageEcx(int bit) => HasLeaf7 && ((X86Base.CpuId(7, 0).Ecx >> bit) & 1) != 0;

    private static bool SecondPageEax(int bit) =>
        HasLeaf7 && X86Base.CpuId(7, 0).Eax >= 1 && ((X86Base.CpuId(7, 1).Eax >> bit) & 1) != 0;

    private static string? BrandString()
    {
        const int firstLeaf = unchecked((int)0x8000_0002), lastLeaf = unchecked((int)0x8000_0004), extensions = unchecked((int)0x8000_0000);
        if (!X86Base.IsSupported || (uint)X86Base.CpuId(extensions, 0).Eax < unchecked((uint)lastLeaf))
            return null;
        var registers = new List<int>();
        for (var leaf = firstLeaf; leaf <= lastLeaf; leaf++)
        {
            var (eax, ebx, ecx, edx) = X86Base.CpuId(leaf, 0);
            registers.AddRange([eax, ebx, ecx, edx]);
        }
        var text = Encoding.ASCII.GetString(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(registers))).Trim('\0', ' ');
        return text.Length > 0 ? text : null;
    }

    private static string? Value(IEnumerable<string> cpuInfo, string key)
    {
        foreach (var line in cpuInfo)
        {
            var colon = line.IndexOf(':');
            if (colon > 0 && line.AsSpan(0, colon).Trim().SequenceEqual(key))
                return line[(colon + 1)..].Trim();
        }
        return null;
    }
}
