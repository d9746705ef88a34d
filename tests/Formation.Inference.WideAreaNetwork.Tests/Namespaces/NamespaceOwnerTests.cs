using Formation.Inference.WideAreaNetwork.Namespaces;

namespace Formation.Inference.WideAreaNetwork.Tests.Namespaces;

public sealed class NamespaceOwnerTests
{
    [Fact]
    public void A_name_tells_its_owner()
    {
        Assert.Equal(NamespaceOwner.Current, NamespaceOwner.OfName(NamespaceOwner.Current.NameOf(network: 3, node: 2)));
        Assert.True(NamespaceOwner.Current.Lives);
        Assert.Equal(Environment.ProcessId, NamespaceOwner.Current.ProcessId);
    }

    [Fact]
    public void A_process_that_has_the_id_of_one_before_is_not_its_owner()
    {
        var before = NamespaceOwner.Current with { Started = NamespaceOwner.Current.Started - 1 };
        Assert.False(before.Lives);
    }

    [Theory]
    [InlineData("blue")]
    [InlineData("form-wan")]
    [InlineData("form-wan-1-2-3")]
    [InlineData("form-wan-one-2-3-4")]
    [InlineData("form-wan-1-2-3-4-5")]
    [InlineData("my-form-wan-1-2-3-4")]
    public void Names_that_others_gave_have_no_owner(string name) => Assert.Null(NamespaceOwner.OfName(name));
}
