using Formation.Inference.Kernels.Vectors;

namespace Formation.Inference.Kernels.Attention;

/// <summary>
/// How many queries the products compute at a time: their sums fill the registers, and each load of keys or values serves all of them.
/// </summary>
internal static class RowGroups
{
    /// <summary>The most for a vector width: eight rows of two registers with 32 registers, six with 16.</summary>
    public static int Most<TFloats>() where TFloats : struct, IFloats<TFloats> => TFloats.Count == Sixteen.Lanes ? RowKernel.MostRows : 6;

    /// <summary>Rows of each group, as even as can be.</summary>
    public static int Size(int queries, int most)
    {
        var groups = (queries + most - 1) / most;
        return (queries + groups - 1) / groups;
    }
}
