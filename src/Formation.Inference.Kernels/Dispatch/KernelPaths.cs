using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Formation.Inference.Kernels.Amx;
using Formation.Inference.Kernels.Machine;

namespace Formation.Inference.Kernels.Dispatch;

/// <summary>Chooses the kernels for this processor, once for the life of the process.</summary>
public static class KernelPaths
{
    /// <summary>
    /// Names one path (<c>scalar</c>, <c>vector128</c>, <c>avx2</c>, <c>avx512</c>, <c>amx</c>) in place of the best that the processor has.
    /// </summary>
    public const string EnvironmentVariable = "FORMATION_KERNELS";

    // Not a static initialiser: a wrong value of the variable is to surface as its own message, not as a type initialisation error.
    private static int _current = -1;

    /// <summary>The path in use.</summary>
    /// <exception cref="InvalidOperationException">The environment variable names no path, or one that this processor does not
    /// have.</exception>
    public static KernelPath Current
    {
        get
        {
            if (_current < 0)
                _current = (int)Choose(Environment.GetEnvironmentVariable(EnvironmentVariable));
            return (KernelPath)_current;
        }
    }

    /// <summary>The paths that this processor has, from the simplest to the widest.</summary>
    public static IReadOnlyList<KernelPath> Available { get; } = [.. Enum.GetValues<KernelPath>().Where(IsAvailable)];

    /// <summary>The name that <see cref="EnvironmentVariable"/> and reports use.</summary>
    public static string Name(KernelPath path) => path switch
    {
        KernelPath.Scalar => "scalar",
        KernelPath.Vector128 => "vector128",
        KernelPath.Avx2 => "avx2",
        KernelPath.Avx512 => "avx512",
        KernelPath.Amx => "amx",
        _ => throw new ArgumentOutOfRangeException(nameof(path), path, "not a kernel path"),
    };

    internal static KernelPath Choose(string? requested)
    {
        if (string.IsNullOrWhiteSpace(requested))
            return Available[^1];
        foreach (var path in Enum.GetValues<KernelPath>())
        {
            if (!string.Equals(Name(path), requested.Trim(), StringComparison.OrdinalIgnoreCase))
                continue;
            return IsAvailable(path)
                ? path
                : throw new InvalidOperationException(
                    $"{EnvironmentVariable}={requested}: this machine does not offer it ('form doctor' says what it has); "
                    + $"use one of {Names(Available)}, or unset the variable");
        }
        throw new InvalidOperationException(
            $"{EnvironmentVariable}={requested}: no such kernels; use one of {Names(Available)}, or unset the variable");
    }

    private static string Names(IEnumerable<KernelPath> paths) => string.Join(", ", paths.Select(Name));

    private static bool IsAvailable(KernelPath path) => path switch
    {
        KernelPath.Scalar => true,
        KernelPath.Vector128 => Vector128.IsHardwareAccelerated,
        KernelPath.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        KernelPath.Avx512 => Vector512.IsHardwareAccelerated && Avx512BW.VL.IsSupported && Avx512DQ.IsSupported,
        KernelPath.Amx => IsAvailable(KernelPath.Avx512) && TileUnit.Support == AmxSupport.Usable,
        _ => false,
    };
}
