using System.Runtime.CompilerServices;
using Formation.Inference.Kernels.Formats;

namespace Formation.Inference.Kernels.Tests.Formats;

public sealed class BlockLayoutTests
{
    [Fact]
    public void Each_block_struct_has_the_size_that_the_format_says()
    {
        AssertSize<Q4_0Block>();
        AssertSize<Q4_1Block>();
        AssertSize<Q5_0Block>();
        AssertSize<Q5_1Block>();
        AssertSize<Q8_0Block>();
        AssertSize<Q2_KBlock>();
        AssertSize<Q3_KBlock>();
        AssertSize<Q4_KBlock>();
        AssertSize<Q5_KBlock>();
        AssertSize<Q6_KBlock>();
        AssertSize<IQ4_NLBlock>();
        AssertSize<IQ4_XSBlock>();
        AssertSize<MXFP4Block>();
    }

    private static void AssertSize<TBlock>()
        where TBlock : unmanaged, IBlock<TBlock>
    {
        var info = TensorTypeInfo.Of(TBlock.Type);
        Assert.Equal(info.BlockBytes, Unsafe.SizeOf<TBlock>());
        Assert.Equal(info.BlockSize, TBlock.ValueCount);
    }
}
