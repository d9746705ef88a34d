namespace Formation.Inference.Kernels.Vectors;

/// <summary>
/// A number of rows as a type: a kernel that is generic over it is compiled for each number, with the rows' sums in registers and the code
/// of rows that are not there left out.
/// </summary>
internal interface IRowCount
{
    static abstract int Value { get; }
}

/// <summary>A kernel written once for all numbers of rows, from 1 to 8.</summary>
internal interface IRowKernel
{
    void Run<TRows>() where TRows : struct, IRowCount;
}

internal static class RowKernel
{
    /// <summary>The most rows that a kernel is compiled for.</summary>
    public const int MostRows = 8;

    public static void Run<TKernel>(in TKernel kernel, int rows) where TKernel : struct, IRowKernel
    {
        switch (rows)
        {
            case 1:
                kernel.Run<One>();
                break;
            case 2:
                kernel.Run<Two>();
                break;
            case 3:
                kernel.Run<Three>();
                break;
            case 4:
                kernel.Run<Four>();
                break;
            case 5:
                kernel.Run<Five>();
                break;
            case 6:
                kernel.Run<Six>();
                break;
            case 7:
                kernel.Run<Seven>();
                break;
            case MostRows:
                kernel.Run<Eight>();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(rows), rows, "no kernel of this number of rows");
        }
    }

    private readonly struct One : IRowCount
    {
        public static int Value => 1;
    }

    private readonly struct Two : IRowCount
    {
        public static int Value => 2;
    }

    private readonly struct Three : IRowCount
    {
        public static int Value => 3;
    }

    private readonly struct Four : IRowCount
    {
        public static int Value => 4;
    }

    private readonly struct Five : IRowCount
    {
        public static int Value => 5;
    }

    private readonly struct Six : IRowCount
    {
        public static int Value => 6;
    }

    private readonly struct Seven : IRowCount
    {
        public static int Value => 7;
    }

    private readonly struct Eight : IRowCount
    {
        public static int Value => 8;
    }
}
